-- list_sessions: where somebody is logged in, the one that was used last first.
-- Arguments  p_token  of the session that asks.
-- Returns    is_current  it is the one that asks; address, user_agent  of the login, null: not known.
-- Called by  the dashboard.
create or replace function perdure.list_sessions(p_user_id uuid, p_token text)
returns table (
    id uuid, created_at timestamptz, last_seen_at timestamptz, address text, user_agent text, is_current boolean
)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select
        s.id, s.created_at, s.last_seen_at, s.address, s.user_agent,
        coalesce(s.token_hash = sha256(convert_to(p_token, 'UTF8')), false)
    from perdure.sessions as s
    where
        s.user_id = p_user_id and s.revoked_at is null and s.expires_at > perdure.clock()
        and s.last_seen_at > perdure.clock() - interval '7 days'
    order by s.last_seen_at desc, s.id desc
    limit 100;
$$;
comment on function perdure.list_sessions(uuid, text) is 'Where somebody is logged in.';
