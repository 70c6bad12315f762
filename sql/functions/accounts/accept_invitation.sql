-- accept_invitation: become a member by the link of an invitation: with the account that is logged in, or with a new
-- one of the invitation's email.
-- Arguments  p_user_id  who is logged in; null: make an account, of p_name and p_password_hash (argon2id).
-- Returns    the user's id.
-- Errors     JQ001 not_found: no such invitation, or it was closed or has expired; JQ002 wrong_state: the invitation
--            is for another email than the user's; JQ004 key_conflict: the email has an account: log in first;
--            JQ010 invalid_argument: a malformed name or hash.
-- Locks      the invitation.
-- Called by  the dashboard.
create or replace function perdure.accept_invitation(
    p_secret text, p_user_id uuid default null, p_name text default null, p_password_hash text default null
)
returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_invitation perdure.invitations;
    v_user_id uuid := p_user_id;
begin
    select * into v_invitation
    from perdure.invitations as i
    where i.secret_hash = sha256(convert_to(p_secret, 'UTF8')) and i.closed_at is null and i.expires_at > v_now
    for update;
    if v_invitation.id is null then
        raise exception using
            errcode = 'JQ001', message = 'this invitation was used, taken back, or has expired: ask for a new one';
    end if;

    if p_user_id is null then
        perform perdure._check_account(v_invitation.email, p_name, p_password_hash);
        insert into perdure.users (id, email, name, password_hash, is_first_owner, created_at)
        values (perdure.new_id(), v_invitation.email, btrim(p_name), p_password_hash, false, v_now)
        on conflict (lower(email)) do nothing
        returning id into v_user_id;
        if v_user_id is null then
            raise exception using
                errcode = 'JQ004',
                message = format(
                    'there is an account of %s: log in, then open the invitation again', v_invitation.email
                );
        end if;
    elsif
        not exists (
            select 1 from perdure.users as u
            where u.id = p_user_id and u.disabled_at is null and lower(u.email) = lower(v_invitation.email)
        )
    then
        raise exception using
            errcode = 'JQ002',
            message = format('this invitation is for %s: log out, then open it again', v_invitation.email);
    end if;

    update perdure.invitations as i set closed_at = v_now, accepted_by = v_user_id where i.id = v_invitation.id;
    perform perdure._join(
        v_user_id, v_invitation.organization_id, v_invitation.role, 'invitation.accept', v_invitation.email
    );
    return v_user_id;
end;
$$;
comment on function perdure.accept_invitation(text, uuid, text, text) is 'Become a member by an invitation.';
