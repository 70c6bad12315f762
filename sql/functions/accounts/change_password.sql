-- change_password: give an account another password, after the old one was right. Every other session of it ends.
-- Arguments  p_password_hash  by argon2id; p_token  of the session that stays.
-- Errors     JQ001 not_found: no such user, or disabled; JQ010 invalid_argument: a malformed hash.
-- Locks      the user.
-- Called by  the dashboard.
create or replace function perdure.change_password(p_user_id uuid, p_password_hash text, p_token text)
returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform perdure._set_password(p_user_id, p_password_hash, p_token, 'user.change_password');
end;
$$;
comment on function perdure.change_password(uuid, text, text) is 'Give an account another password.';
