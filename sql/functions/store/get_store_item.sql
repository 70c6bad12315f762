-- get_store_item: read a value from an environment's key-value store.
-- Arguments  p_key  by convention job:<job>:<key> and run:<run>:<key> for the parts of a job and of a run.
-- Returns    {action: GET, key, value?}: the value's JSON text, in a string; no value: there is none.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.get_store_item(p_environment_id uuid, p_key text)
returns json
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select perdure._json_object(
        perdure._member('action', '"GET"'),
        perdure._member('key', to_json(p_key)),
        perdure._member('value', (
            select to_json(i.value)
            from perdure.store_items as i
            where i.environment_id = p_environment_id and i.key = p_key
        ))
    );
$$;
comment on function perdure.get_store_item(uuid, text) is 'Read a value from the key-value store.';
