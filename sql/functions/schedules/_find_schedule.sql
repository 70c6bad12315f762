-- _find_schedule: a schedule of an environment.
-- Errors     JQ001 not_found.
create or replace function perdure._find_schedule(p_environment_id uuid, p_schedule_id uuid)
returns perdure.schedules
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_schedule perdure.schedules;
begin
    select s.* into v_schedule
    from perdure.schedules as s
    where s.id = p_schedule_id and s.environment_id = p_environment_id;
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no schedule %s in this environment', quote_nullable(p_schedule_id));
    end if;
    return v_schedule;
end;
$$;
comment on function perdure._find_schedule(uuid, uuid) is 'A schedule of an environment.';
