-- connect_endpoint: say that an app fetches its executions over a connection that it holds, so that nothing is sent to
-- a URL of its. What waits for it is kept until it is connected. register_endpoint makes it an endpoint at a URL again.
-- Arguments  p_slug  the app's id.
-- Returns    the endpoint; its url is connected://<its id>.
-- Errors     JQ001 not_found: no such environment; JQ010 invalid_argument: names the argument.
-- Locks      the endpoint.
-- Called by  the server, when a connection is opened.
create or replace function perdure.connect_endpoint(p_environment_id uuid, p_slug text)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_id constant uuid := perdure.new_id();
    v_endpoint perdure.endpoints;
begin
    perform perdure._check_slug('p_slug', p_slug);
    perform perdure._check_environment(p_environment_id);

    insert into perdure.endpoints as p (
        id, environment_id, slug, url, connected, indexing_hook_id, created_at, updated_at
    )
    values (
        v_id, p_environment_id, p_slug, 'connected://' || v_id, true, replace(gen_random_uuid()::text, '-', ''),
        v_now, v_now
    )
    on conflict (environment_id, slug) do update
    set
        url = 'connected://' || p.id,
        connected = true,
        api_key_id = null,
        enabled = true,
        failed_index_count = 0,
        updated_at = v_now
    returning * into v_endpoint;
    perform perdure._route_deliveries(v_endpoint.id, true);
    return perdure._endpoint_json(v_endpoint);
end;
$$;
comment on function perdure.connect_endpoint(uuid, text) is 'Say that an app fetches its executions.';
