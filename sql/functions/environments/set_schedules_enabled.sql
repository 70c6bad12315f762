-- set_schedules_enabled: let the schedules of an environment fire, or not; in DEVELOPMENT they do not at first. Those
-- that did not fire so far begin now: nothing is made up for. Those that are paused stay so.
-- Returns    how many schedules are active, and so fire from now on, or do not.
-- Errors     JQ001 not_found; JQ010 invalid_argument: p_enabled is null.
-- Locks      the environment, then its schedules.
-- Called by  administrators, `perdure schedules`, the server.
create or replace function perdure.set_schedules_enabled(p_environment_id uuid, p_enabled boolean)
returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
begin
    if p_enabled is null then
        raise exception using errcode = 'JQ010', message = 'p_enabled must be true or false, not null';
    end if;
    update perdure.environments as e
    set schedules_enabled = p_enabled, updated_at = v_now
    where e.id = p_environment_id;
    if not found then
        raise exception using
            errcode = 'JQ001', message = format('there is no environment %s', coalesce(p_environment_id::text, 'null'));
    end if;

    if p_enabled then
        update perdure.schedules as s
        set due_at = n.due_at, active = n.problem is null, problem = n.problem, updated_at = v_now
        from perdure.schedules as x
        cross join lateral perdure._try_next_fire(x, v_now) as n
        where
            x.environment_id = p_environment_id and x.active and x.paused_at is null and x.due_at is null
            and s.id = x.id and s.active;
        perform perdure._notify_dispatchers('due');
    else
        update perdure.schedules as s
        set due_at = null, updated_at = v_now
        where s.environment_id = p_environment_id and s.due_at is not null;
    end if;
    return (
        select count(*)::integer from perdure.schedules as s where s.environment_id = p_environment_id and s.active
    );
end;
$$;
comment on function perdure.set_schedules_enabled(uuid, boolean) is 'Let the schedules of an environment fire, or not.';
