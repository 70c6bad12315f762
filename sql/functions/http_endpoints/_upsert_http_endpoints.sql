-- _upsert_http_endpoints: store an endpoint's HTTP endpoints. One that the endpoint no longer names takes no more
-- requests; named again, it has its old URL.
-- Arguments  p_endpoint  locked by the caller; p_http_endpoints  HttpEndpointMetadata[], checked.
-- Called by  index_endpoint.
create or replace function perdure._upsert_http_endpoints(p_endpoint perdure.endpoints, p_http_endpoints jsonb)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
begin
    insert into perdure.http_endpoints as h (
        id, environment_id, endpoint_id, key, title, source, enabled, immediate_response_filter, skip_triggering_runs,
        event_spec, created_at, updated_at
    )
    select
        perdure.new_id(), p_endpoint.environment_id, p_endpoint.id, m.value ->> 'id',
        coalesce(m.value ->> 'title', m.value -> 'event' ->> 'title'), m.value ->> 'source',
        (m.value ->> 'enabled')::boolean is not false, nullif(m.value -> 'immediateResponseFilter', 'null'),
        (m.value ->> 'skipTriggeringRuns')::boolean is true, coalesce(nullif(m.value -> 'event', 'null'), '{}'), v_now,
        v_now
    from jsonb_array_elements(p_http_endpoints) as m
    order by m.value ->> 'id'
    on conflict (environment_id, key) do update
    set
        endpoint_id = excluded.endpoint_id,
        title = excluded.title,
        source = excluded.source,
        enabled = excluded.enabled,
        immediate_response_filter = excluded.immediate_response_filter,
        skip_triggering_runs = excluded.skip_triggering_runs,
        event_spec = excluded.event_spec,
        updated_at = v_now;

    update perdure.http_endpoints as h
    set enabled = false, updated_at = v_now
    where
        h.endpoint_id = p_endpoint.id and h.enabled
        and h.key not in (select m.value ->> 'id' from jsonb_array_elements(p_http_endpoints) as m);
end;
$$;
comment on function perdure._upsert_http_endpoints(perdure.endpoints, jsonb) is 'Store an endpoint''s HTTP endpoints.';
