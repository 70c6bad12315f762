-- issue_password_reset: make a link by which anybody who forgot the password chooses another.
-- Returns    the secret of the link, which is not stored. It holds for a day, and replaces an older one.
-- Errors     JQ001 not_found: nobody has this email; JQ002 wrong_state: they are disabled.
-- Locks      the link.
-- Called by  administrators: `perdure reset-password`.
create or replace function perdure.issue_password_reset(p_email text)
returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return perdure._new_password_reset(null::uuid, perdure._user_of_email(p_email));
end;
$$;
comment on function perdure.issue_password_reset(text) is 'Make a link to choose a password, for anybody.';
