-- cancel_event: take back an event that was not delivered yet. Cancelling again changes nothing.
-- Returns    the event (ApiEventLog).
-- Errors     JQ001 not_found; JQ003 already_finished: it was delivered; cancel its runs instead.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.cancel_event(p_environment_id uuid, p_event_id text)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_event perdure.events := perdure._find_event(p_environment_id, p_event_id);
begin
    update perdure.events as e
    set cancelled_at = v_now, due_at = null, updated_at = v_now
    where e.id = v_event.id and e.due_at is not null;
    v_event := perdure._find_event(p_environment_id, p_event_id);
    if v_event.delivered_at is not null then
        raise exception using
            errcode = 'JQ003',
            message = format(
                'event %s was delivered at %s and cannot be cancelled; cancel its runs instead',
                quote_literal(p_event_id), perdure._iso(v_event.delivered_at)
            );
    end if;
    return perdure._event_json(v_event);
end;
$$;
comment on function perdure.cancel_event(uuid, text) is 'Take back an event that was not delivered yet.';
