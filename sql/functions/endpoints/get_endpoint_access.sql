-- get_endpoint_access: where an endpoint is, and how a request proves that it is the platform's.
-- Returns    one row: signing_secrets as in get_signing_secrets; sealed_api_key: the key to send in clear, sealed
--            (null: requests are signed only).
-- Errors     JQ001 not_found.
-- Called by  the server, to read an endpoint's jobs.
create or replace function perdure.get_endpoint_access(p_environment_id uuid, p_slug text)
returns table (endpoint_id uuid, url text, signing_secrets bytea[], sealed_api_key text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select p.id, p.url, perdure.get_signing_secrets(p.environment_id), k.sealed_key
    from perdure.endpoints as p
    left join perdure.api_keys as k on k.id = p.api_key_id
    where p.environment_id = p_environment_id and p.slug = p_slug;
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no endpoint %s in this environment', quote_nullable(p_slug));
    end if;
end;
$$;
comment on function perdure.get_endpoint_access(uuid, text)
is 'Where an endpoint is, and how requests prove themselves.';
