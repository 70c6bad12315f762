-- has_store_item: is there a value for this key in an environment's key-value store?
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.has_store_item(p_environment_id uuid, p_key text)
returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select 1 from perdure.store_items as i where i.environment_id = p_environment_id and i.key = p_key
    );
$$;
comment on function perdure.has_store_item(uuid, text) is 'Is there a value for this key?';
