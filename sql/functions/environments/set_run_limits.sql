-- set_run_limits: how long a run of an environment may go on; one that exceeds a limit ends with TIMED_OUT.
-- Arguments  p_max_executions   EXECUTE_JOB requests of one run; p_max_duration_ms  wall time of all of them together;
--            null: any.
-- Errors     JQ001 not_found; JQ010 invalid_argument.
-- Called by  administrators.
create or replace function perdure.set_run_limits(
    p_environment_id uuid, p_max_executions integer default null, p_max_duration_ms bigint default null
)
returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if p_max_executions < 1 or p_max_duration_ms < 1 then
        raise exception using
            errcode = 'JQ010',
            message = format(
                'p_max_executions and p_max_duration_ms must be at least 1, not %s and %s', p_max_executions,
                p_max_duration_ms
            );
    end if;
    update perdure.environments as e
    set max_executions = p_max_executions, max_duration_ms = p_max_duration_ms, updated_at = perdure.clock()
    where e.id = p_environment_id;
    if not found then
        raise exception using
            errcode = 'JQ001', message = format('there is no environment %s', coalesce(p_environment_id::text, 'null'));
    end if;
end;
$$;
comment on function perdure.set_run_limits(uuid, integer, bigint) is 'Limit how long runs may go on.';
