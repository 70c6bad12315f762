-- sessions: logins that last. Written only by open_session, touch_session, close_session, end_session,
-- end_other_sessions, change_password, reset_password and set_user_disabled.
create table perdure.sessions (
    id uuid primary key,
    user_id uuid not null references perdure.users (id),
    token_hash bytea not null,  -- sha256 of the token in the cookie
    created_at timestamptz not null,
    last_seen_at timestamptz not null,  -- to a minute
    expires_at timestamptz not null,
    revoked_at timestamptz,
    address text,  -- where the login came from; null: not known
    user_agent text,  -- what the browser said of itself then
    constraint sessions_token_unique unique (token_hash)
);
comment on table perdure.sessions is 'Logins that last, by the hash of their token.';
-- Serves open_session, which forgets the old ones of its user.
create index sessions_user_idx on perdure.sessions (user_id);
