-- _end_unclaimable_runs: end those of these runs that may not be executed any more: their job version was disabled
-- since they were queued, or they have reached a limit of their environment.
-- Called by  _take_ready_runs.
create or replace function perdure._end_unclaimable_runs(p_run_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_ended_ids uuid[];
begin
    with unclaimable as (
        select
            r.id,
            case when v.status = 'DISABLED' then 'ABORTED' else 'TIMED_OUT' end as status,
            case
                when v.status = 'DISABLED' then format('Version %s of this job is disabled', v.version)
                when r.execution_count >= e.max_executions
                    then format('The run was executed %s times, which is the limit here', r.execution_count)
                else format(
                    'The run''s executions took %s ms together; the limit here is %s ms', r.duration_ms, e.max_duration_ms
                )
            end as message
        from perdure.runs as r
        inner join perdure.job_versions as v on v.id = r.job_version_id
        inner join perdure.environments as e on e.id = r.environment_id
        where
            r.id = any(p_run_ids)
            and (
                v.status = 'DISABLED' or r.execution_count >= e.max_executions or r.duration_ms >= e.max_duration_ms
            )
        order by r.id
        for no key update of r
    ),
    ended as (
        update perdure.runs as r
        set
            status = u.status,
            output = json_build_object('message', u.message),
            completed_at = v_now,
            due_at = null,
            timeout_at = null,
            updated_at = v_now
        from unclaimable as u
        where r.id = u.id and r.status in ('QUEUED', 'WAITING_TO_EXECUTE')
        returning r.id
    )
    select array_agg(e.id) into v_ended_ids from ended as e;
    perform perdure._close_runs(v_ended_ids);
    perform perdure._record_failures(v_ended_ids);
end;
$$;
comment on function perdure._end_unclaimable_runs(uuid[]) is 'End runs that may not be executed any more.';
