-- revoke_api_key: make a key worthless from now on, as end_api_key does, by the key itself.
-- Returns    true when this call revoked it, false when it was unknown or revoked before.
-- Called by  administrators.
create or replace function perdure.revoke_api_key(p_key text)
returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce((
        select perdure._revoke_key(k.id)
        from perdure.api_keys as k
        where k.key_hash = sha256(convert_to(p_key, 'UTF8'))
    ), false);
end;
$$;
comment on function perdure.revoke_api_key(text) is 'Make an API key worthless.';
