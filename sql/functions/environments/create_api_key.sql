-- create_api_key: make a key for an environment. The key is returned once and not stored (ADR 0004).
-- Arguments  p_kind  'SECRET' (servers) or 'PUBLIC' (browsers, read only);
--            p_key   a key made elsewhere, e.g. a fixed one for development; null: a new random one;
--            p_created_by  who makes it, for people; null: not said.
-- Returns    the key. The same p_key again changes nothing, and un-revokes nothing.
-- Errors     JQ001 not_found: no such environment; JQ004 key_conflict: p_key is another environment's or is not
--            in force any more; JQ010 invalid_argument: p_kind unknown, p_key malformed.
-- Called by  the server, rotate_api_key, administrators, `perdure dev`.
create or replace function perdure.create_api_key(
    p_environment_id uuid, p_kind text default 'SECRET', p_key text default null, p_created_by text default null
)
returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_slug text;
    v_prefix text;
    v_key text := p_key;
begin
    select e.slug into v_slug from perdure.environments as e where e.id = p_environment_id;
    if v_slug is null then
        raise exception using
            errcode = 'JQ001', message = format('there is no environment %s', coalesce(p_environment_id::text, 'null'));
    end if;
    v_prefix := case p_kind when 'SECRET' then 'tr_' when 'PUBLIC' then 'pk_' end || v_slug || '_';
    if v_prefix is null then
        raise exception using
            errcode = 'JQ010',
            message = format('p_kind must be SECRET or PUBLIC, not %s', quote_nullable(p_kind));
    end if;
    if v_key is null then
        -- 160 of the 244 random bits of two UUIDs
        v_key := v_prefix || left(
            encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex'), 40
        );
    elsif v_key !~ ('^' || v_prefix || '[A-Za-z0-9]{16,100}$') then
        raise exception using
            errcode = 'JQ010',
            message = format('p_key must be "%s" and 16 to 100 letters and digits', v_prefix);
    end if;

    insert into perdure.api_keys (
        id, environment_id, kind, hint, key_hash, signing_secret, public_key, created_at, created_by
    )
    values (
        perdure.new_id(), p_environment_id, p_kind, left(v_key, length(v_prefix) + 4),
        sha256(convert_to(v_key, 'UTF8')),
        case when p_kind = 'SECRET' then sha256(convert_to('perdure.signing.v1:' || v_key, 'UTF8')) end,
        case when p_kind = 'PUBLIC' then v_key end,
        perdure.clock(),
        p_created_by
    )
    on conflict (key_hash) do nothing;
    if not found and not exists (
        select 1 from perdure.api_keys as k
        where
            k.key_hash = sha256(convert_to(v_key, 'UTF8'))
            and k.environment_id = p_environment_id and k.revoked_at is null
            and (k.expires_at is null or k.expires_at > perdure.clock())
    ) then
        raise exception using
            errcode = 'JQ004',
            message = 'p_key is in use by another environment, or was revoked or has expired: choose a new one';
    end if;
    return v_key;
end;
$$;
comment on function perdure.create_api_key(uuid, text, text, text) is 'Make an API key; it is shown once.';
