-- _revoke_key: make a key worthless from now on, and erase what was kept of it sealed. Endpoints that were sent it in
-- clear are sent the newest other key of the environment that is kept, if there is one; else their requests are signed
-- only, until the app is registered with a new key.
-- Returns    true when this call revoked it, false when it was revoked before.
-- Locks      the environment's endpoints, in id order, then the key.
-- Called by  revoke_api_key, end_api_key.
create or replace function perdure._revoke_key(p_api_key_id uuid)
returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_key perdure.api_keys;
begin
    perform 1
    from perdure.endpoints as p
    inner join perdure.api_keys as k on k.environment_id = p.environment_id
    where k.id = p_api_key_id
    order by p.id
    for update of p;

    update perdure.api_keys as k set revoked_at = perdure.clock(), sealed_key = null
    where k.id = p_api_key_id and k.revoked_at is null
    returning * into v_key;
    if not found then
        return false;
    end if;

    update perdure.endpoints as p
    set
        api_key_id = (
            select k.id
            from perdure.api_keys as k
            where
                k.environment_id = v_key.environment_id and k.sealed_key is not null
                and (k.expires_at is null or k.expires_at > v_key.revoked_at)
            order by k.id desc
            limit 1
        ),
        updated_at = v_key.revoked_at
    where p.api_key_id = v_key.id;
    return true;
end;
$$;
comment on function perdure._revoke_key(uuid) is 'Make a key worthless.';
