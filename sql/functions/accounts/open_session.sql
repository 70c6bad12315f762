-- open_session: log somebody in who has shown who they are, such as by their password. The session is always a new one:
-- what the browser had before ends, so nobody can plant a session and wait for its login.
-- Arguments  p_old_token  of the session that the browser had; null: none; p_address, p_user_agent  where the request
--            came from and what the browser says of itself, for list_sessions; null: not known.
-- Returns    the token of the session, which is not stored. It holds for 30 days, and 7 without a request.
-- Errors     JQ001 not_found: there is no such user, or they are disabled.
-- Called by  the dashboard.
create or replace function perdure.open_session(
    p_user_id uuid, p_old_token text default null, p_address text default null, p_user_agent text default null
)
returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_token constant text := perdure._new_secret();
    v_email text;
begin
    select u.email into v_email from perdure.users as u where u.id = p_user_id and u.disabled_at is null;
    if v_email is null then
        raise exception using errcode = 'JQ001', message = 'there is no such account, or it is disabled';
    end if;
    delete from perdure.login_attempts as a where a.email = lower(v_email);
    perform perdure.close_session(p_old_token);
    delete from perdure.sessions as s
    where s.user_id = p_user_id and (s.revoked_at is not null or s.expires_at <= v_now);
    insert into perdure.sessions (
        id, user_id, token_hash, created_at, last_seen_at, expires_at, address, user_agent
    )
    values (
        perdure.new_id(), p_user_id, sha256(convert_to(v_token, 'UTF8')), v_now, v_now, v_now + interval '30 days',
        left(p_address, 100), left(p_user_agent, 500)
    );
    return v_token;
end;
$$;
comment on function perdure.open_session(uuid, text, text, text) is 'Log in somebody whose password was right.';
