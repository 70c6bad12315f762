-- _upsert_sources: store an endpoint's sources and what they are to deliver; start the registration of those
-- that need it. A source that the endpoint no longer names stops taking requests.
-- Arguments  p_endpoint  locked by the caller; p_sources  SourceMetadata[] (version 2: options; version 1:
--            events).
-- Called by  index_endpoint.
create or replace function perdure._upsert_sources(p_endpoint perdure.endpoints, p_sources jsonb)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_to_register uuid[];
begin
    insert into perdure.sources as s (
        id, environment_id, endpoint_id, key, channel, integration, params, secret, created_at, updated_at
    )
    select
        perdure.new_id(), p_endpoint.environment_id, p_endpoint.id, m.value ->> 'key',
        coalesce(m.value ->> 'channel', 'HTTP'),
        coalesce(m.value -> 'integration', '{}'), coalesce(m.value -> 'params', 'null'),
        encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex'), v_now, v_now
    from jsonb_array_elements(p_sources) as m
    order by m.value ->> 'key'
    on conflict (environment_id, key) do update
    set
        endpoint_id = excluded.endpoint_id,
        channel = excluded.channel,
        integration = excluded.integration,
        params = excluded.params,
        updated_at = v_now;

    update perdure.sources as s
    set active = false, updated_at = v_now
    where
        s.endpoint_id = p_endpoint.id and s.active
        and s.key not in (select m.value ->> 'key' from jsonb_array_elements(p_sources) as m);

    -- What is wanted now, and what is still registered but wanted no more.
    with wanted as (
        select s.id as source_id, o.key as name, v.value
        from jsonb_array_elements(p_sources) as m
        inner join perdure.sources as s on s.environment_id = p_endpoint.environment_id and s.key = m.value ->> 'key'
        cross join lateral jsonb_each(coalesce(
            nullif(m.value -> 'options', 'null'),
            jsonb_build_object('event', coalesce(nullif(m.value -> 'events', 'null'), '[]'))
        )) as o
        cross join lateral jsonb_array_elements_text(o.value) as v
    ),
    unwanted as (
        update perdure.source_options as o
        set wanted = false
        from perdure.sources as s
        where
            o.source_id = s.id and s.endpoint_id = p_endpoint.id and o.wanted
            and not exists (
                select 1 from wanted as w where w.source_id = o.source_id and w.name = o.name and w.value = o.value
            )
    )
    insert into perdure.source_options (source_id, name, value, wanted, registered)
    select distinct w.source_id, w.name, w.value, true, false
    from wanted as w
    on conflict (source_id, name, value) do update set wanted = true;

    select array_agg(s.id order by s.key) into v_to_register
    from perdure.sources as s
    where
        s.environment_id = p_endpoint.environment_id
        and s.key in (select m.value ->> 'key' from jsonb_array_elements(p_sources) as m)
        and (
            not s.active
            or exists (select 1 from perdure.source_options as o where o.source_id = s.id and o.wanted <> o.registered)
        );
    perform perdure._register_sources(v_to_register);
end;
$$;
comment on function perdure._upsert_sources(perdure.endpoints, jsonb) is 'Store an endpoint''s sources.';
