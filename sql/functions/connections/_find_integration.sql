-- _find_integration: an integration of an environment.
-- Errors     JQ001 not_found.
create or replace function perdure._find_integration(p_environment_id uuid, p_slug text)
returns perdure.integrations
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_integration perdure.integrations;
begin
    select g.* into v_integration
    from perdure.integrations as g
    where g.environment_id = p_environment_id and g.slug = p_slug;
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format(
                'there is no integration %s in this environment: it appears when an app is indexed whose job uses it',
                quote_nullable(p_slug)
            );
    end if;
    return v_integration;
end;
$$;
comment on function perdure._find_integration(uuid, text) is 'An integration of an environment.';
