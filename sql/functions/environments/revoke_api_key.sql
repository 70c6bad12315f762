-- revoke_api_key: make a key worthless from now on.
-- Returns    true when this call revoked it, false when it was unknown or revoked before.
-- Called by  administrators.
create or replace function perdure.revoke_api_key(p_key text)
returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    update perdure.api_keys as k set revoked_at = perdure.clock()
    where k.key_hash = sha256(convert_to(p_key, 'UTF8')) and k.revoked_at is null;
    return found;
end;
$$;
comment on function perdure.revoke_api_key(text) is 'Make an API key worthless.';
