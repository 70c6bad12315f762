-- _stop_paused_runs: which of these ready runs no pause stops. The others are kept back until what stops them is
-- resumed.
-- Arguments  p_run_ids  taken from the queue.
-- Returns    those that may be executed.
-- Locks      the runs that are stopped, in id order, and their pauses, shared: who resumes one waits, and then sees
--            what was kept back for it.
-- Called by  _take_ready_runs.
create or replace function perdure._stop_paused_runs(p_run_ids uuid[])
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_stopped_ids uuid[];
begin
    if not exists (select 1 from perdure.pauses) then
        return p_run_ids;
    end if;
    with stopped as (
        select r.id, r.status, z.id as pause_id
        from perdure.runs as r
        inner join perdure.job_versions as v on v.id = r.job_version_id
        inner join perdure.pauses as z on perdure._stops(z, r.environment_id, r.job_id, v.concurrency_limit_id)
        where r.id = any(p_run_ids) and r.status in ('QUEUED', 'WAITING_TO_EXECUTE') and r.due_at is null
        order by r.id, z.id
        for update of r for key share of z
    ),
    kept as (
        insert into perdure.blocked_runs as b (run_id, resumed, pause_id)
        select distinct on (s.id) s.id, s.status = 'WAITING_TO_EXECUTE', s.pause_id
        from stopped as s
        order by s.id, s.pause_id
        -- One that was kept back may have a second message, from before it was cancelled and continued.
        on conflict (run_id) do update set concurrency_limit_id = null, pause_id = excluded.pause_id
        returning b.run_id
    )
    select coalesce(array_agg(k.run_id), '{}') into v_stopped_ids from kept as k;
    return array(select i.id from unnest(p_run_ids) as i (id) where i.id <> all(v_stopped_ids) order by i.id);
end;
$$;
comment on function perdure._stop_paused_runs(uuid[]) is 'Which ready runs no pause stops.';
