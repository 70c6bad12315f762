-- keep_sealed_key: keep a secret key that a process of ours has encrypted, for what needs it in clear: an app
-- with the v2 JavaScript SDK, the signatures of run webhooks (ADR 0009). Revoking the key erases it.
-- Arguments  p_sealed  the key, sealed outside of Postgres; takes the place of what was kept.
-- Errors     JQ001 not_found: no such secret key, or it was revoked; JQ010 invalid_argument: p_sealed is empty.
-- Called by  the server.
create or replace function perdure.keep_sealed_key(p_api_key_id uuid, p_sealed text)
returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce(p_sealed, '') = '' then
        raise exception using errcode = 'JQ010', message = 'p_sealed must be a sealed key, not empty';
    end if;
    update perdure.api_keys as k set sealed_key = p_sealed
    where
        k.id = p_api_key_id and k.kind = 'SECRET' and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > perdure.clock());
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no secret key %s in force', coalesce(p_api_key_id::text, 'null'));
    end if;
end;
$$;
comment on function perdure.keep_sealed_key(uuid, text) is 'Keep a secret key that was encrypted outside of Postgres.';
