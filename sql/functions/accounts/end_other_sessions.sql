-- end_other_sessions: log somebody out everywhere else.
-- Arguments  p_token  of the session that stays.
-- Called by  the dashboard.
create or replace function perdure.end_other_sessions(p_user_id uuid, p_token text)
returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
    update perdure.sessions as s set revoked_at = perdure.clock()
    where
        s.user_id = p_user_id and s.revoked_at is null
        and s.token_hash is distinct from sha256(convert_to(p_token, 'UTF8'));
$$;
comment on function perdure.end_other_sessions(uuid, text) is 'Log somebody out everywhere else.';
