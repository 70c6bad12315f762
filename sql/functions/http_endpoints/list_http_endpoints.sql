-- list_http_endpoints: the HTTP endpoints of an environment that take requests, and where.
-- Returns    [{id, url}] by id, which is the name that the app gave.
-- Errors     JQ002 wrong_state: the server's public URL is not known yet.
-- Called by  the server, psql.
create or replace function perdure.list_http_endpoints(p_environment_id uuid)
returns json
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select
        coalesce(json_agg(json_build_object('id', h.key, 'url', perdure._http_endpoint_url(h)) order by h.key), '[]')
    from perdure.http_endpoints as h
    where h.environment_id = p_environment_id and h.enabled;
$$;
comment on function perdure.list_http_endpoints(uuid) is 'The HTTP endpoints of an environment.';
