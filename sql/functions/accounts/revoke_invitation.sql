-- revoke_invitation: take an invitation back.
-- Returns    true when this call did, false when it was accepted, revoked or replaced before.
-- Errors     JQ001 not_found: no such organization or invitation; JQ002 wrong_state: the actor may not.
-- Locks      the invitation.
-- Called by  the dashboard.
create or replace function perdure.revoke_invitation(p_actor_id uuid, p_organization_id uuid, p_invitation_id uuid)
returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_actor_role constant text := perdure._managing_role(p_actor_id, p_organization_id);
    v_invitation perdure.invitations;
begin
    select * into v_invitation
    from perdure.invitations as i
    where i.id = p_invitation_id and i.organization_id = p_organization_id
    for update;
    if v_invitation.id is null then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no invitation %s', coalesce(p_invitation_id::text, 'null'));
    end if;
    perform perdure._check_role(v_actor_role, v_invitation.role);
    if v_invitation.closed_at is not null then
        return false;
    end if;
    update perdure.invitations as i set closed_at = perdure.clock() where i.id = p_invitation_id;
    perform perdure.audit(
        p_actor_id, p_organization_id, 'invitation.revoke', v_invitation.email,
        jsonb_build_object('role', v_invitation.role)
    );
    return true;
end;
$$;
comment on function perdure.revoke_invitation(uuid, uuid, uuid) is 'Take an invitation back.';
