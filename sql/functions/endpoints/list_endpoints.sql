-- list_endpoints: an environment's endpoints, by slug.
-- Called by  the server.
create or replace function perdure.list_endpoints(p_environment_id uuid)
returns json
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select coalesce(json_agg(perdure._endpoint_json(p) order by p.slug), '[]')
    from perdure.endpoints as p
    where p.environment_id = p_environment_id;
$$;
comment on function perdure.list_endpoints(uuid) is 'An environment''s endpoints.';
