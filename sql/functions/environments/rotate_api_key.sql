-- rotate_api_key: a new key in the place of another, which works on for a while, so that apps can be given the new one
-- one after the other. Requests to endpoints are signed with both as long as both are in force; those to one that was
-- sent the old key in clear are signed only once it has expired, until the app is registered with the new one.
-- Arguments  p_overlap     how long the old key works on, up to 90 days; zero: not at all;
--            p_created_by  who makes it, for people; null: not said.
-- Returns    the new key, of the same kind. It is returned once and not stored.
-- Errors     JQ001 not_found: the environment has no such key; JQ002 wrong_state: it was revoked or rotated before;
--            JQ010 invalid_argument.
-- Locks      the key; without overlap as _revoke_key.
-- Called by  the server, administrators.
create or replace function perdure.rotate_api_key(
    p_environment_id uuid, p_api_key_id uuid, p_overlap interval, p_created_by text default null
)
returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_key perdure.api_keys;
    v_rotated boolean;
begin
    if p_overlap is null or p_overlap < interval '0' or p_overlap > interval '90 days' then
        raise exception using
            errcode = 'JQ010',
            message = format('p_overlap must be 0 to 90 days, not %s', coalesce(p_overlap::text, 'null'));
    end if;
    select k.* into v_key
    from perdure.api_keys as k
    where k.id = p_api_key_id and k.environment_id = p_environment_id;
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no API key %s in this environment', quote_nullable(p_api_key_id));
    end if;
    if p_overlap > interval '0' then
        update perdure.api_keys as k set expires_at = v_now + p_overlap
        where k.id = p_api_key_id and k.revoked_at is null and k.expires_at is null;
        v_rotated := found;
    else
        v_rotated := v_key.expires_at is null and perdure._revoke_key(p_api_key_id);
    end if;
    if not v_rotated then
        raise exception using
            errcode = 'JQ002', message = format('the key %s… was rotated or revoked before', v_key.hint);
    end if;
    return perdure.create_api_key(p_environment_id, v_key.kind, null, p_created_by);
end;
$$;
comment on function perdure.rotate_api_key(uuid, uuid, interval, text) is 'A new API key in the place of another.';
