-- _goes_at_once: may a run be executed now, as most may? No pause and no limit has to be looked at more closely, its
-- version is not disabled, and its app is of the kind that is served.
-- Arguments  p_version      the run's, of its job in its environment;
--            p_endpoint_id  the run's app;
--            p_connected    executed over a connection; false: at a URL.
-- Returns    one row; true: yes.
-- Called by  _plain_starts, _begin_executions, whose statements it becomes a part of.
create or replace function perdure._goes_at_once(
    p_version perdure.job_versions, p_endpoint_id uuid, p_execution_count integer, p_duration_ms bigint,
    p_connected boolean
)
returns table (goes_at_once boolean)
language sql stable
begin atomic
    select
        (p_version).status = 'ACTIVE' and p.connected = p_connected
        and coalesce((p_version).concurrency_limit_id, n.concurrency_limit_id) is null
        and not exists (
            select 1
            from perdure.pauses as z
            where perdure._stops(
                    z, (p_version).environment_id, (p_version).job_id, (p_version).concurrency_limit_id
                )
        )
        and (p_execution_count < n.max_executions) is not false
        and (p_duration_ms < n.max_duration_ms) is not false
    from perdure.environments as n, perdure.endpoints as p
    where n.id = (p_version).environment_id and p.id = p_endpoint_id;
end;
comment on function perdure._goes_at_once(perdure.job_versions, uuid, integer, bigint, boolean)
is 'May a run be executed without a closer look?';
