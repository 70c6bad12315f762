-- delete_store_item: remove a value from an environment's key-value store.
-- Returns    {action: DELETE, key, deleted}: false: there was none.
-- Locks      the item.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.delete_store_item(p_environment_id uuid, p_key text)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    delete from perdure.store_items as i where i.environment_id = p_environment_id and i.key = p_key;
    return json_build_object('action', 'DELETE', 'key', p_key, 'deleted', found);
end;
$$;
comment on function perdure.delete_store_item(uuid, text) is 'Remove a value from the key-value store.';
