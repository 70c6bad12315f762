-- _ingest_delivery: send the events that a handler made of a provider's request; keep what it wants to
-- remember.
-- Errors     JQ010 invalid_argument and data exceptions: the events are not acceptable.
-- Called by  apply_delivery_results.
create or replace function perdure._ingest_delivery(p_delivery_id uuid, p_reply json)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_environment_id uuid;
begin
    update perdure.sources as s
    set metadata = coalesce(perdure._unshield(p_reply -> 'metadata'), s.metadata)
    from perdure.source_deliveries as d
    where d.id = p_delivery_id and s.id = d.source_id
    returning s.environment_id into v_environment_id;
    perform 1 from perdure.send_events(v_environment_id, coalesce(p_reply -> 'events', '[]'));
end;
$$;
comment on function perdure._ingest_delivery(uuid, json) is 'Send the events a handler made of a request.';
