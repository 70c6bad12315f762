-- remove_member: end a membership: by an owner or admin, or by the member, who leaves.
-- Errors     JQ001 not_found: no such organization or member; JQ002 wrong_state: the actor may not, or the member is
--            the first owner, who stays one.
-- Locks      the membership.
-- Called by  the dashboard.
create or replace function perdure.remove_member(p_actor_id uuid, p_organization_id uuid, p_user_id uuid)
returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_before constant text := perdure._lock_member(p_organization_id, p_user_id);
begin
    if p_actor_id is distinct from p_user_id then
        perform perdure._check_role(perdure._managing_role(p_actor_id, p_organization_id), v_before);
    end if;
    delete from perdure.memberships as m
    where m.organization_id = p_organization_id and m.user_id = p_user_id;
    perform perdure.audit(
        p_actor_id, p_organization_id, 'member.remove', u.email, jsonb_build_object('role', v_before)
    )
    from perdure.users as u
    where u.id = p_user_id;
end;
$$;
comment on function perdure.remove_member(uuid, uuid, uuid) is 'End a membership.';
