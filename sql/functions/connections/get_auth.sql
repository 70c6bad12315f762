-- get_auth: the developer's account at a service, to be used by an app.
-- Arguments  p_client_id  the app's id: an endpoint of the environment.
-- Returns    {type, sealedToken, scopes?, additionalFields?}; the server opens the token for who holds a secret key.
-- Errors     JQ001 not_found: no such app, integration or connection.
-- Called by  the server.
create or replace function perdure.get_auth(p_environment_id uuid, p_client_id text, p_integration_slug text)
returns json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_integration perdure.integrations;
    v_auth json;
begin
    if not exists (
        select 1 from perdure.endpoints as p where p.environment_id = p_environment_id and p.slug = p_client_id
    ) then
        raise exception using
            errcode = 'JQ001', message = format('there is no app %s in this environment', quote_nullable(p_client_id));
    end if;
    v_integration := perdure._find_integration(p_environment_id, p_integration_slug);
    select perdure._connection_auth_json(c) into v_auth
    from perdure.connections as c
    where c.id = perdure._connection_id(v_integration.id, null);
    if not found then
        raise exception using
            errcode = 'JQ001', message = format('integration %s is not connected', p_integration_slug);
    end if;
    return v_auth;
end;
$$;
comment on function perdure.get_auth(uuid, text, text) is 'The developer''s account at a service.';
