-- reset_password: choose a password by a link, which is used up by it. Every session of the account ends.
-- Arguments  p_password_hash  by argon2id.
-- Returns    the user's id.
-- Errors     JQ001 not_found: the link was used or replaced, or has expired, or they are disabled; JQ010
--            invalid_argument: a malformed hash.
-- Locks      the link, then the user.
-- Called by  the dashboard.
create or replace function perdure.reset_password(p_secret text, p_password_hash text)
returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_user_id uuid;
begin
    delete from perdure.password_resets as r
    where r.secret_hash = sha256(convert_to(p_secret, 'UTF8')) and r.expires_at > perdure.clock()
    returning r.user_id into v_user_id;
    if v_user_id is null or not exists (
        select 1 from perdure.users as u where u.id = v_user_id and u.disabled_at is null
    ) then
        raise exception using
            errcode = 'JQ001', message = 'this link was used or replaced, or has expired: ask for a new one';
    end if;
    perform perdure._set_password(v_user_id, p_password_hash, null::text, 'user.reset_password');
    return v_user_id;
end;
$$;
comment on function perdure.reset_password(text, text) is 'Choose a password by a link.';
