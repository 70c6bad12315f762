-- change_member_role: give a member another role; the same one again changes nothing.
-- Errors     JQ001 not_found: no such organization or member; JQ002 wrong_state: the actor may not, or the member is
--            the first owner, who stays one; JQ010 invalid_argument: an unknown role.
-- Locks      the membership.
-- Called by  the dashboard.
create or replace function perdure.change_member_role(
    p_actor_id uuid, p_organization_id uuid, p_user_id uuid, p_role text
)
returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_actor_role constant text := perdure._managing_role(p_actor_id, p_organization_id);
    v_before constant text := perdure._lock_member(p_organization_id, p_user_id);
begin
    perform perdure._check_role(v_actor_role, v_before, p_role);
    if v_before = p_role then
        return;
    end if;
    update perdure.memberships as m set role = p_role
    where m.organization_id = p_organization_id and m.user_id = p_user_id;
    perform perdure.audit(
        p_actor_id, p_organization_id, 'member.change_role', u.email,
        jsonb_build_object('role', v_before), jsonb_build_object('role', p_role)
    )
    from perdure.users as u
    where u.id = p_user_id;
end;
$$;
comment on function perdure.change_member_role(uuid, uuid, uuid, text) is 'Give a member another role.';
