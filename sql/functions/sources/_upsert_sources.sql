-- _upsert_sources: store an endpoint's sources and what they are to deliver; start the registration of those
-- that need it. A source that the endpoint no longer names stops taking requests; those of its dynamic triggers go on.
-- Arguments  p_endpoint  locked by the caller; p_sources  SourceMetadata[] (version 2: options; version 1:
--            events).
-- Errors     JQ002 wrong_state: a source needs registration, and the server's public URL is not known yet.
-- Called by  index_endpoint.
create or replace function perdure._upsert_sources(p_endpoint perdure.endpoints, p_sources jsonb)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_wanted jsonb;
    v_named_ids uuid[];
begin
    insert into perdure.sources as s (
        id, environment_id, endpoint_id, key, channel, integration, params, secret, created_at, updated_at
    )
    select
        perdure.new_id(), p_endpoint.environment_id, p_endpoint.id, m.value ->> 'key',
        coalesce(m.value ->> 'channel', 'HTTP'),
        coalesce(m.value -> 'integration', '{}'), coalesce(m.value -> 'params', 'null'),
        perdure._new_secret(), v_now, v_now
    from jsonb_array_elements(p_sources) as m
    order by m.value ->> 'key'
    on conflict (environment_id, key) do update
    set
        endpoint_id = excluded.endpoint_id,
        channel = excluded.channel,
        integration = excluded.integration,
        params = excluded.params,
        active = s.active and excluded.channel = 'HTTP',
        updated_at = v_now;

    update perdure.sources as s
    set active = false, updated_at = v_now
    where
        s.endpoint_id = p_endpoint.id and s.dynamic_trigger_id is null and s.active
        and s.key not in (select m.value ->> 'key' from jsonb_array_elements(p_sources) as m);

    -- Of a source that is no longer named nothing is wanted.
    select
        jsonb_agg(jsonb_build_object(
            'id', s.id, 'options', case when m.value is null then '{}' else perdure._wanted_options(m.value) end
        )),
        array_agg(s.id) filter (where m.value is not null)
    into v_wanted, v_named_ids
    from perdure.sources as s
    left join jsonb_array_elements(p_sources) as m on m.value ->> 'key' = s.key
    where s.endpoint_id = p_endpoint.id and s.dynamic_trigger_id is null;
    perform perdure._want_source_options(v_wanted);
    perform perdure._register_sources(v_named_ids);
end;
$$;
comment on function perdure._upsert_sources(perdure.endpoints, jsonb) is 'Store an endpoint''s sources.';
