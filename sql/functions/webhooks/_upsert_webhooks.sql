-- _upsert_webhooks: store an endpoint's webhooks and start the registration of those that need it. One that the
-- endpoint no longer names lets go of its HTTP endpoint, and is registered anew when it comes back.
-- Arguments  p_endpoint  locked by the caller; p_webhooks  WebhookMetadata[], checked. Their HTTP endpoints are stored.
-- Errors     JQ002 wrong_state: a webhook needs registration, and the server's public URL is not known yet;
--            JQ010 invalid_argument: there is no such HTTP endpoint.
-- Called by  index_endpoint.
create or replace function perdure._upsert_webhooks(p_endpoint perdure.endpoints, p_webhooks jsonb)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_problem text;
    v_named_ids uuid[];
begin
    select format('webhooks[%s].httpEndpoint.id must be one of httpEndpoints, not %L', m.ordinal - 1, m.http_endpoint)
    into v_problem
    from (
        select e.ordinal, e.webhook -> 'httpEndpoint' ->> 'id' as http_endpoint
        from jsonb_array_elements(p_webhooks) with ordinality as e (webhook, ordinal)
    ) as m
    where not exists (
        select 1 from perdure.http_endpoints as h where h.endpoint_id = p_endpoint.id and h.key = m.http_endpoint
    )
    order by m.ordinal
    limit 1;
    if v_problem is not null then
        raise exception using errcode = 'JQ010', message = v_problem;
    end if;

    -- All let go first, so that webhooks may swap their HTTP endpoints, or take over those of another app.
    update perdure.webhooks as w
    set
        http_endpoint_id = null,
        active = w.active and w.key in (select m.value ->> 'key' from jsonb_array_elements(p_webhooks) as m),
        updated_at = v_now
    where
        w.environment_id = p_endpoint.environment_id
        and (
            w.endpoint_id = p_endpoint.id
            or w.http_endpoint_id in (select h.id from perdure.http_endpoints as h where h.endpoint_id = p_endpoint.id)
        );

    with upserted as (
        insert into perdure.webhooks as w (
            id, environment_id, endpoint_id, http_endpoint_id, key, integration, params, desired_config, secret,
            created_at, updated_at
        )
        select
            perdure.new_id(), p_endpoint.environment_id, p_endpoint.id, h.id, m.value ->> 'key',
            coalesce(m.value -> 'integration', '{}'), coalesce(m.value -> 'params', 'null'),
            coalesce(nullif(m.value -> 'config', 'null'), '{}'), perdure._new_secret(), v_now, v_now
        from jsonb_array_elements(p_webhooks) as m
        inner join perdure.http_endpoints as h
            on h.environment_id = p_endpoint.environment_id and h.key = m.value -> 'httpEndpoint' ->> 'id'
        order by m.value ->> 'key'
        on conflict (environment_id, key) do update
        set
            endpoint_id = excluded.endpoint_id,
            http_endpoint_id = excluded.http_endpoint_id,
            integration = excluded.integration,
            params = excluded.params,
            desired_config = excluded.desired_config,
            updated_at = v_now
        returning w.id
    )
    select array_agg(u.id) into v_named_ids from upserted as u;
    perform perdure._register_webhooks(v_named_ids);
end;
$$;
comment on function perdure._upsert_webhooks(perdure.endpoints, jsonb) is 'Store an endpoint''s webhooks.';
