-- _register_webhooks: ask the app's internal jobs, by an event each, to register those of these webhooks at their
-- providers that need it: not active, or otherwise configured than is wanted.
-- Arguments  p_webhook_ids  null or empty: nothing to do.
-- Errors     JQ002 wrong_state: the server's public URL is not known yet.
-- Called by  _upsert_webhooks, register_webhook.
create or replace function perdure._register_webhooks(p_webhook_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_environment_id uuid;
    v_events json;
    v_ids uuid[];  -- of their webhooks, in the same order
    v_event_ids text[];
begin
    for v_environment_id, v_events, v_ids in
        select
            w.environment_id,
            json_agg(json_build_object(
                'name', 'dev.trigger.webhook.register.' || w.key,
                'payload', json_build_object(
                    'active', w.active,
                    'url', perdure._http_endpoint_url(h),
                    'secret', w.secret,
                    'params', w.params,
                    'config', json_build_object(
                        'current', coalesce(w.current_config, '{}'), 'desired', w.desired_config
                    )
                )
            ) order by w.key),
            array_agg(w.id order by w.key)
        from perdure.webhooks as w
        inner join perdure.http_endpoints as h on h.id = w.http_endpoint_id
        where w.id = any(p_webhook_ids) and (not w.active or w.desired_config is distinct from w.current_config)
        group by w.environment_id
    loop
        v_event_ids := array(
            select perdure._shield(e.event) ->> 'id'
            from perdure.send_events(v_environment_id, v_events) with ordinality as e (event, ordinal)
            order by e.ordinal
        );
        update perdure.webhooks as w
        set registration_event_id = e.id
        from unnest(v_ids, v_event_ids) as i (id, event_id)
        inner join perdure.events as e on e.environment_id = v_environment_id and e.event_id = i.event_id
        where w.id = i.id;
    end loop;
end;
$$;
comment on function perdure._register_webhooks(uuid[]) is 'Ask internal jobs to register webhooks.';
