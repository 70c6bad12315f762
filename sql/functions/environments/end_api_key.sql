-- end_api_key: make a key of an environment worthless from now on, found by its id.
-- Returns    true when this call revoked it, false when it was revoked before.
-- Errors     JQ001 not_found: the environment has no such key.
-- Locks      as _revoke_key.
-- Called by  the server, administrators.
create or replace function perdure.end_api_key(p_environment_id uuid, p_api_key_id uuid)
returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select 1 from perdure.api_keys as k where k.id = p_api_key_id and k.environment_id = p_environment_id
    ) then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no API key %s in this environment', quote_nullable(p_api_key_id));
    end if;
    return perdure._revoke_key(p_api_key_id);
end;
$$;
comment on function perdure.end_api_key(uuid, uuid) is 'Make an API key worthless, by its id.';
