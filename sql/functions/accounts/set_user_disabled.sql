-- set_user_disabled: keep somebody out, or let them in again. Their sessions end at once.
-- Returns    true when this call changed it.
-- Errors     JQ001 not_found: nobody has this email.
-- Locks      the user.
-- Called by  administrators.
create or replace function perdure.set_user_disabled(p_email text, p_disabled boolean default true)
returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_user constant perdure.users := perdure._user_of_email(p_email);
begin
    if (v_user.disabled_at is not null) = p_disabled then
        return false;
    end if;
    update perdure.users as u set disabled_at = case when p_disabled then v_now end where u.id = v_user.id;
    update perdure.sessions as s set revoked_at = v_now where s.user_id = v_user.id and s.revoked_at is null;
    perform perdure.audit(
        null::uuid, o.id, 'user.set_disabled', v_user.email,
        jsonb_build_object('disabled', not p_disabled), jsonb_build_object('disabled', p_disabled)
    )
    from perdure.organizations as o
    where
        v_user.is_first_owner
        or o.id in (select m.organization_id from perdure.memberships as m where m.user_id = v_user.id);
    return true;
end;
$$;
comment on function perdure.set_user_disabled(text, boolean) is 'Keep somebody out, or let them in again.';
