-- _resume: let go on what one pause stopped: the runs that it kept back are queued, those that have begun first, then
-- the oldest. What another pause stops, or a concurrency limit, is kept back again when its turn comes.
-- Arguments  as _pause.
-- Returns    how many runs were queued; null: there was no such pause.
-- Locks      the environment, or for everything all of them; the pause.
-- Called by  resume_job, resume_queue, resume_environment, resume_everything.
create or replace function perdure._resume(p_environment_id uuid, p_job_id uuid, p_concurrency_limit_id uuid)
returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_pause_id uuid;
    v_run_ids uuid[];
begin
    perform perdure._lock_configuration(p_environment_id);
    delete from perdure.pauses as z
    where
        z.environment_id is not distinct from p_environment_id
        and z.job_id is not distinct from p_job_id
        and z.concurrency_limit_id is not distinct from p_concurrency_limit_id
    returning z.id into v_pause_id;
    if not found then
        return null;
    end if;
    with freed as (
        delete from perdure.blocked_runs as b where b.pause_id = v_pause_id returning b.run_id, b.resumed
    )
    select coalesce(array_agg(f.run_id order by f.resumed desc, f.run_id), '{}') into v_run_ids from freed as f;
    perform perdure._enqueue_runs(v_run_ids);
    perform perdure._refresh_plain_starts(p_environment_id);
    return cardinality(v_run_ids);
end;
$$;
comment on function perdure._resume(uuid, uuid, uuid) is 'Let go on what one pause stopped.';
