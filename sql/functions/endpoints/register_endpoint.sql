-- register_endpoint: say where an app is reached. The same slug again moves it, and switches on an endpoint that
-- was switched off because its jobs could not be read for too long.
-- Arguments  p_slug        the app's id; p_url  http(s) URL of its endpoint;
--            p_timeout_ms  how long one request may take, 1,000 to 3,600,000; null: as before, at first
--            60,000, or 300,000 with p_api_key_id: a v2 app that is told to yield after execution_limit_ms ends its
--            present task first, and its host is the one that cuts it off;
--            p_api_key_id  the key to send it in clear, kept by keep_sealed_key: only for the v2 JavaScript SDK,
--            which verifies no signatures; null: as before, at first none. Once the app turns out to be a Python
--            SDK's (index_endpoint) it is sent no key any more.
-- Returns    the endpoint.
-- Errors     JQ001 not_found: no such environment, or no such kept key in it; JQ010 invalid_argument: names the
--            argument.
-- Called by  the server, psql.
create or replace function perdure.register_endpoint(
    p_environment_id uuid, p_slug text, p_url text, p_timeout_ms integer default null, p_api_key_id uuid default null
)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_endpoint perdure.endpoints;
begin
    perform perdure._check_slug('p_slug', p_slug);
    if p_url is null or p_url !~* '^https?://[^/?#\s]+' then
        raise exception using
            errcode = 'JQ010', message = format('p_url must be an http or https URL, not %s', quote_nullable(p_url));
    end if;
    if p_timeout_ms not between 1000 and 3600000 then
        raise exception using
            errcode = 'JQ010', message = format('p_timeout_ms must be in 1000..3600000, not %s', p_timeout_ms);
    end if;
    if not exists (select 1 from perdure.environments as e where e.id = p_environment_id) then
        raise exception using
            errcode = 'JQ001', message = format('there is no environment %s', coalesce(p_environment_id::text, 'null'));
    end if;
    if p_api_key_id is not null and not exists (
        select 1 from perdure.api_keys as k
        where k.id = p_api_key_id and k.environment_id = p_environment_id and k.sealed_key is not null
    ) then
        raise exception using
            errcode = 'JQ001',
            message = format('this environment keeps no sealed key %s: keep_sealed_key comes first', p_api_key_id);
    end if;

    insert into perdure.endpoints as p (
        id, environment_id, slug, url, timeout_ms, api_key_id, indexing_hook_id, created_at, updated_at
    )
    values (
        perdure.new_id(), p_environment_id, p_slug, p_url,
        coalesce(p_timeout_ms, case when p_api_key_id is null then 60000 else 300000 end), p_api_key_id,
        replace(gen_random_uuid()::text, '-', ''), v_now, v_now
    )
    on conflict (environment_id, slug) do update
    set
        url = excluded.url,
        timeout_ms = coalesce(p_timeout_ms, p.timeout_ms),
        api_key_id = coalesce(p_api_key_id, p.api_key_id),
        connected = false,
        enabled = true,
        failed_index_count = 0,
        updated_at = v_now
    returning * into v_endpoint;
    perform perdure._route_deliveries(v_endpoint.id, false);
    return perdure._endpoint_json(v_endpoint);
end;
$$;
comment on function perdure.register_endpoint(uuid, text, text, integer, uuid) is 'Say where an app is reached.';
