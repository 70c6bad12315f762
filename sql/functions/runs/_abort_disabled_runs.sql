-- _abort_disabled_runs: end those of these runs whose job version was disabled since they were queued.
-- Called by  claim_runs.
create or replace function perdure._abort_disabled_runs(p_run_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_aborted_ids uuid[];
begin
    with aborted as (
        update perdure.runs as r
        set
            status = 'ABORTED',
            output = json_build_object('message', format('Version %s of this job is disabled', v.version)),
            completed_at = v_now,
            due_at = null,
            updated_at = v_now
        from perdure.job_versions as v
        where
            r.id = any(p_run_ids) and r.status in ('QUEUED', 'WAITING_TO_EXECUTE')
            and v.id = r.job_version_id and v.status = 'DISABLED'
        returning r.id
    )
    select array_agg(a.id) into v_aborted_ids from aborted as a;
    perform perdure._close_runs(v_aborted_ids);
end;
$$;
comment on function perdure._abort_disabled_runs(uuid[]) is 'End runs whose job version was disabled.';
