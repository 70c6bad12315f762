-- get_endpoint: an environment's endpoint by slug.
-- Errors     JQ001 not_found.
-- Called by  the server, psql.
create or replace function perdure.get_endpoint(p_environment_id uuid, p_slug text)
returns json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_endpoint perdure.endpoints;
begin
    select p.* into v_endpoint
    from perdure.endpoints as p
    where p.environment_id = p_environment_id and p.slug = p_slug;
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no endpoint %s in this environment', quote_nullable(p_slug));
    end if;
    return perdure._endpoint_json(v_endpoint);
end;
$$;
comment on function perdure.get_endpoint(uuid, text) is 'An endpoint by slug.';
