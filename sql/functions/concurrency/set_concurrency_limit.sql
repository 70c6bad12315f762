-- set_concurrency_limit: how many executions of an environment may be in flight at once, all jobs together.
-- Arguments  p_max_executions  1 to 1,000,000; null: any number.
-- Errors     JQ001 not_found; JQ010 invalid_argument.
-- Locks      the environment.
-- Called by  administrators.
create or replace function perdure.set_concurrency_limit(p_environment_id uuid, p_max_executions integer)
returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_old_id uuid;
    v_run_ids uuid[];
begin
    if p_max_executions not between 1 and 1000000 then
        raise exception using
            errcode = 'JQ010', message = format('p_max_executions must be in 1..1000000, not %s', p_max_executions);
    end if;
    perform perdure._lock_configuration(p_environment_id);
    select e.concurrency_limit_id into v_old_id from perdure.environments as e where e.id = p_environment_id;
    if not found then
        raise exception using
            errcode = 'JQ001', message = format('there is no environment %s', coalesce(p_environment_id::text, 'null'));
    end if;
    update perdure.environments as e
    set
        concurrency_limit_id = case
            when p_max_executions is not null
                then perdure._store_limit(p_environment_id, 'ENVIRONMENT', '', p_max_executions)
        end
    where e.id = p_environment_id;
    if p_max_executions is null then
        with freed as (
            delete from perdure.blocked_runs as b where b.concurrency_limit_id = v_old_id returning b.run_id
        )
        select array_agg(f.run_id order by f.run_id) into v_run_ids from freed as f;
        perform perdure._enqueue_runs(v_run_ids);
    end if;
    perform perdure._refresh_plain_starts(p_environment_id);
end;
$$;
comment on function perdure.set_concurrency_limit(uuid, integer) is 'Limit the executions of an environment.';
