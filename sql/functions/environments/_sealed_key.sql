-- _sealed_key: a key of an environment as keep_sealed_key got it; null: it is not in force any more, or not kept.
-- Called by  claim_runs, _store_events, _begin_event.
create or replace function perdure._sealed_key(p_api_key_id uuid)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select a.sealed_key
        from perdure.api_keys as a
        where
            a.id = p_api_key_id and a.revoked_at is null and (a.expires_at is null or a.expires_at > perdure.clock())
    );
end;
$$;
comment on function perdure._sealed_key(uuid) is 'A key of an environment, sealed.';
