-- environment_of_key: the environment that a secret key belongs to, found without showing the key.
-- Arguments  p_key_hash  sha256 of the key, as api_keys keeps it.
-- Errors     JQ001 not_found: no such key, one that is not in force any more, or a public one.
-- Called by  apps in direct mode.
create or replace function perdure.environment_of_key(p_key_hash bytea)
returns uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_environment_id uuid;
begin
    select k.environment_id into v_environment_id
    from perdure.api_keys as k
    where
        k.key_hash = p_key_hash and k.kind = 'SECRET' and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > perdure.clock());
    if not found then
        raise exception using
            errcode = 'JQ001', message = 'this database knows no such secret key, or it was revoked';
    end if;
    return v_environment_id;
end;
$$;
comment on function perdure.environment_of_key(bytea) is 'The environment that a secret key belongs to.';
