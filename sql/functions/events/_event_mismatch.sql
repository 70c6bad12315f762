-- _event_mismatch: where an event fails the filters of a subscription, looked at as _passes_filters does. What is not
-- shown of an event is not shown here.
-- Returns    as _filter_mismatch, with filter: payload or context; operator 'too deep' when one is nested too deep to
--            be evaluated. Null: it passes both.
-- Called by  explain_event.
create or replace function perdure._event_mismatch(p_event perdure.events, p_dispatcher perdure.event_dispatchers)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_payload constant jsonb := perdure._to_jsonb(p_event.payload);
    v_mismatch jsonb;
begin
    v_mismatch := case p_event.payload_type
        when 'REQUEST' then perdure._request_mismatch(p_dispatcher.payload_filter, v_payload)
        else perdure._document_mismatch(p_dispatcher.payload_filter, v_payload, '{}')
    end;
    if v_mismatch is null then
        return
            perdure._document_mismatch(p_dispatcher.context_filter, perdure._to_jsonb(p_event.context), '{}')
            || '{"filter": "context"}';
    end if;
    if
        v_mismatch ? 'found'
        and (
            p_event.name = 'dev.trigger.source.register.v2'
            or starts_with(p_event.name, 'dev.trigger.webhook.register.')
            or p_event.payload_type = 'REQUEST' and perdure._is_secret_name(v_mismatch -> 'path' ->> 1)
        )
    then
        v_mismatch := v_mismatch || '{"found": "…"}';
    end if;
    return v_mismatch || '{"filter": "payload"}';
exception
    when statement_too_complex then
        return '{"path": [], "operator": "too deep", "wanted": null, "filter": "payload"}'::jsonb;
end;
$$;
comment on function perdure._event_mismatch(perdure.events, perdure.event_dispatchers)
is 'Where an event fails the filters of a subscription.';
