-- get_connection: an account at a service.
-- Returns    the connection, without its token.
-- Errors     JQ001 not_found, also for another integration's.
-- Called by  the server, delete_connection, psql.
create or replace function perdure.get_connection(
    p_environment_id uuid, p_integration_slug text, p_connection_id uuid
)
returns json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_integration perdure.integrations;
    v_connection perdure.connections;
begin
    v_integration := perdure._find_integration(p_environment_id, p_integration_slug);
    select c.* into v_connection
    from perdure.connections as c
    where c.id = p_connection_id and c.integration_id = v_integration.id;
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format(
                'there is no connection %s of integration %s', quote_nullable(p_connection_id), p_integration_slug
            );
    end if;
    return perdure._connection_json(v_connection);
end;
$$;
comment on function perdure.get_connection(uuid, text, uuid) is 'An account at a service.';
