-- register_schedule: attach a schedule to a dynamic trigger: each tick starts all jobs of the trigger. The same key
-- again changes the schedule; with the same timing it goes on as it was, else it begins now.
-- Arguments  p_dynamic_schedule  the dynamic schedule's id in the app;
--            p_body  {id: the key, chosen by the app, type: interval | cron, options: {seconds} or {cron, timezone?:
--            an IANA name; absent: UTC}, accountId?: the end user whom its ticks are about, metadata?: for runs to
--            see}.
-- Returns    {id, schedule: {type, options, accountId?, metadata?}, metadata?, active}.
-- Errors     JQ001 not_found: no such dynamic schedule; JQ010 invalid_argument: names the member.
-- Locks      the dynamic trigger: two registrations come one after the other; then as _store_schedule.
-- Called by  the server, psql.
create or replace function perdure.register_schedule(p_environment_id uuid, p_dynamic_schedule text, p_body json)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_shielded constant json := perdure._shield(p_body);
    v_body constant jsonb := perdure._to_jsonb(v_shielded);
    v_problem constant text := case
        when coalesce(jsonb_typeof(v_body -> 'id'), '') <> 'string'
            or octet_length(v_body ->> 'id') not between 1 and 500 then 'id must be a text of 1 to 500 bytes'
        else perdure._timing_problem(v_body)
    end;
    v_trigger_id uuid;
    v_schedule perdure.schedules;
begin
    if v_problem is not null then
        raise exception using errcode = 'JQ010', message = 'p_body.' || v_problem;
    end if;
    select t.id into v_trigger_id
    from perdure.dynamic_triggers as t
    where t.environment_id = p_environment_id and t.slug = p_dynamic_schedule and t.kind = 'SCHEDULE'
    for no key update;
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no dynamic schedule %s in this environment', quote_nullable(p_dynamic_schedule));
    end if;
    v_schedule := perdure._store_schedule(p_environment_id, null, v_trigger_id, v_body ->> 'id', v_shielded);
    return perdure._schedule_json(v_schedule);
exception
    when data_exception or program_limit_exceeded then
        raise exception using errcode = 'JQ010', message = format('p_body cannot be stored: %s', sqlerrm);
end;
$$;
comment on function perdure.register_schedule(uuid, text, json) is 'Attach a schedule to a dynamic trigger.';
