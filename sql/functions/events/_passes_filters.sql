-- _passes_filters: does an event pass both filters of a subscription? The payload of a REQUEST event is an HTTP
-- request, and its filter a request filter. Here alone is it decided; one filter that is nested too deep to be
-- evaluated must not stop everything that is delivered with its event, so it does not match.
-- Arguments  p_payload_type  events.payload_type;
--            p_payload, p_context  null: jsonb cannot hold it; passes no filter but an empty one;
--            p_payload_filter, p_context_filter  null: everything passes.
-- Called by  _deliver_events, _store_events, _take_events, receive_http_endpoint_request.
create or replace function perdure._passes_filters(
    p_payload_type text, p_payload jsonb, p_context jsonb, p_payload_filter jsonb, p_context_filter jsonb
)
returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return
        case p_payload_type
            when 'REQUEST' then perdure.request_matches(p_payload_filter, p_payload)
            else perdure._document_matches(p_payload_filter, p_payload)
        end
        and perdure._document_matches(p_context_filter, p_context);
exception
    when statement_too_complex then
        return false;
end;
$$;
comment on function perdure._passes_filters(text, jsonb, jsonb, jsonb, jsonb) is
'Does an event pass both filters of a subscription?';
