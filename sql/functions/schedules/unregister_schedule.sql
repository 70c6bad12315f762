-- unregister_schedule: end a schedule that was attached to a dynamic trigger. One that has ended, or never was, is no
-- error. Registered again, it is not paused.
-- Arguments  p_dynamic_schedule  the dynamic schedule's id in the app; p_key  of the registration.
-- Returns    {ok: true}.
-- Errors     JQ001 not_found: no such dynamic schedule.
-- Called by  the server, psql.
create or replace function perdure.unregister_schedule(p_environment_id uuid, p_dynamic_schedule text, p_key text)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_trigger_id uuid;
begin
    select t.id into v_trigger_id
    from perdure.dynamic_triggers as t
    where t.environment_id = p_environment_id and t.slug = p_dynamic_schedule and t.kind = 'SCHEDULE';
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no dynamic schedule %s in this environment', quote_nullable(p_dynamic_schedule));
    end if;
    update perdure.schedules as s
    set active = false, paused_at = null, due_at = null, problem = null, updated_at = perdure.clock()
    where s.dynamic_trigger_id = v_trigger_id and s.key = p_key and (s.active or s.problem is not null);
    return json_build_object('ok', true);
end;
$$;
comment on function perdure.unregister_schedule(uuid, text, text) is 'End a schedule of a dynamic trigger.';
