-- _find_event: an event by the sender's id.
-- Errors     JQ001 not_found.
create or replace function perdure._find_event(p_environment_id uuid, p_event_id text)
returns perdure.events
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_event perdure.events;
begin
    select e.* into v_event
    from perdure.events as e
    where e.environment_id = p_environment_id and e.event_id = p_event_id;
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no event %s in this environment', quote_nullable(p_event_id));
    end if;
    return v_event;
end;
$$;
comment on function perdure._find_event(uuid, text) is 'An event by the sender''s id.';
