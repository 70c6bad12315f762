-- delete_connection: forget an account at a service and its token. Runs that start from now on wait for a new one;
-- those under way go on without it.
-- Returns    the connection as it was, without its token.
-- Errors     JQ001 not_found, also when it is deleted already.
-- Called by  the server, psql.
create or replace function perdure.delete_connection(
    p_environment_id uuid, p_integration_slug text, p_connection_id uuid
)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_shown json;
begin
    v_shown := perdure.get_connection(p_environment_id, p_integration_slug, p_connection_id);
    delete from perdure.connections as c where c.id = p_connection_id;
    return v_shown;
end;
$$;
comment on function perdure.delete_connection(uuid, text, uuid) is 'Forget an account at a service.';
