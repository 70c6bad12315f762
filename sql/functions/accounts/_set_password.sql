-- _set_password: give an account a password. Its sessions end, links to choose one are void, failed logins forgotten.
-- Arguments  p_token  of the session that stays; null: none; p_action  for the audit log.
-- Errors     JQ001 not_found: no such user, or disabled; JQ010 invalid_argument: a malformed hash.
-- Locks      the user.
create or replace function perdure._set_password(p_user_id uuid, p_password_hash text, p_token text, p_action text)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_user perdure.users;
begin
    select * into v_user from perdure.users as u where u.id = p_user_id and u.disabled_at is null for update;
    if v_user.id is null then
        raise exception using errcode = 'JQ001', message = 'there is no such account, or it is disabled';
    end if;
    perform perdure._check_account(v_user.email, v_user.name, p_password_hash);
    update perdure.users as u set password_hash = p_password_hash where u.id = p_user_id;
    update perdure.sessions as s set revoked_at = perdure.clock()
    where
        s.user_id = p_user_id and s.revoked_at is null
        and s.token_hash is distinct from sha256(convert_to(p_token, 'UTF8'));
    delete from perdure.password_resets as r where r.user_id = p_user_id;
    delete from perdure.login_attempts as a where a.email = lower(v_user.email);
    perform perdure.audit(p_user_id, o.id, p_action, v_user.email)
    from perdure.list_organizations(p_user_id) as o;
end;
$$;
comment on function perdure._set_password(uuid, text, text, text) is 'Give an account a password.';
