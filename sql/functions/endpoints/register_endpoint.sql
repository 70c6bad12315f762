-- register_endpoint: say where an app is reached. The same slug again moves it.
-- Arguments  p_slug        the app's id; p_url  http(s) URL of its endpoint;
--            p_timeout_ms  how long one request may take, 1,000 to 3,600,000; null: as before, at first
--            60,000.
-- Returns    the endpoint.
-- Errors     JQ001 not_found: no such environment; JQ010 invalid_argument: names the argument.
-- Called by  the server, psql.
create or replace function perdure.register_endpoint(
    p_environment_id uuid, p_slug text, p_url text, p_timeout_ms integer default null
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

    insert into perdure.endpoints as p (
        id, environment_id, slug, url, timeout_ms, indexing_hook_id, created_at, updated_at
    )
    values (
        perdure.new_id(), p_environment_id, p_slug, p_url, coalesce(p_timeout_ms, 60000),
        replace(gen_random_uuid()::text, '-', ''), v_now, v_now
    )
    on conflict (environment_id, slug) do update
    set url = excluded.url, timeout_ms = coalesce(p_timeout_ms, p.timeout_ms), updated_at = v_now
    returning * into v_endpoint;
    return perdure._endpoint_json(v_endpoint);
end;
$$;
comment on function perdure.register_endpoint(uuid, text, text, integer) is 'Say where an app is reached.';
