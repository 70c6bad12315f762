-- _checked_event: an event that states more than the usual members, or less, unless it cannot be stored.
-- Arguments  p_place  its place in the array, from 1; p_event  the event as it came, shielded.
-- Errors     JQ010 invalid_argument: names the element and member, and what is allowed.
-- Called by  _sent_events.
create or replace function perdure._checked_event(p_place bigint, p_event json)
returns perdure.event_message
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_event perdure.event_message;
    v_problem text;
begin
    if json_typeof(p_event) <> 'object' then
        v_problem := ' must be an object, such as {"name": "user.created"}';
    else
        v_event := json_populate_record(null::perdure.event_message, p_event);
        v_problem := '.' || case
            when coalesce(v_event.name, '') = '' then 'name must be a text that is not empty'
            when octet_length(v_event.id) not between 1 and 1000 then 'id must be a text of 1 to 1000 bytes'
            when v_event."timestamp" is not null and perdure._to_instant(v_event."timestamp") is null
                then format('timestamp must be an instant such as 2024-01-31T12:00:00Z, not %L', v_event."timestamp")
            when v_event."payloadType" not in ('JSON', 'REQUEST')
                then format('payloadType must be JSON or REQUEST, not %L', v_event."payloadType")
            when v_event."isTest" not in ('true', 'false')
                then format('isTest must be true or false, not %L', v_event."isTest")
        end;
    end if;
    if v_problem is not null then
        raise exception using errcode = 'JQ010', message = format('p_events[%s]%s', p_place - 1, v_problem);
    end if;
    return v_event;
end;
$$;
comment on function perdure._checked_event(bigint, json) is 'An event that can be stored.';
