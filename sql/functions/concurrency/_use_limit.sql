-- _use_limit: another concurrency limit counts for a job version from now on. Runs that the old one kept back, or its
-- pause, are queued: the next claim decides.
-- Arguments  p_limit_id  null: none.
-- Locks      the old limit.
-- Called by  _upsert_concurrency_limits, set_job_concurrency_limit.
create or replace function perdure._use_limit(p_job_version_id uuid, p_limit_id uuid)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_old_id uuid;
    v_run_ids uuid[];
begin
    select v.concurrency_limit_id into strict v_old_id from perdure.job_versions as v where v.id = p_job_version_id;
    if p_limit_id is not distinct from v_old_id then
        return;
    end if;
    update perdure.job_versions as v set concurrency_limit_id = p_limit_id where v.id = p_job_version_id;
    with freed as (
        delete from perdure.blocked_runs as b
        using perdure.runs as r
        where
            (
                b.concurrency_limit_id = v_old_id
                or b.pause_id in (select z.id from perdure.pauses as z where z.concurrency_limit_id = v_old_id)
            )
            and r.id = b.run_id and r.job_version_id = p_job_version_id
        returning b.run_id
    )
    select array_agg(f.run_id order by f.run_id) into v_run_ids from freed as f;
    perform perdure._enqueue_runs(v_run_ids);
    -- One that the old limit had let go does not use it now.
    perform perdure._unblock_runs(array[v_old_id]);
end;
$$;
comment on function perdure._use_limit(uuid, uuid) is 'Another limit counts for a job version.';
