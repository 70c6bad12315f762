-- invite_member: make the link by which somebody becomes a member; it holds for 7 days. An open invitation of the same
-- email is closed by it.
-- Returns    the secret of the link, which is not stored.
-- Errors     JQ001 not_found: no such organization; JQ002 wrong_state: the actor may not; JQ004 key_conflict: they are
--            a member; JQ010 invalid_argument: a malformed email, an unknown role.
-- Locks      the invitations of the email to the organization, for this call (advisory).
-- Called by  the dashboard.
create or replace function perdure.invite_member(
    p_actor_id uuid, p_organization_id uuid, p_email text, p_role text default 'member'
)
returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_secret constant text := perdure._new_secret();
begin
    perform perdure._check_role(perdure._managing_role(p_actor_id, p_organization_id), p_role);
    perform perdure._check_email(p_email);
    if exists (
        select 1 from perdure.users as u
        where lower(u.email) = lower(p_email) and perdure._role_of(u.id, p_organization_id) is not null
    ) then
        raise exception using
            errcode = 'JQ004', message = format('%s is a member: change the role instead', p_email);
    end if;

    perform pg_advisory_xact_lock(hashtextextended(
        'perdure invitation ' || p_organization_id::text || ' ' || lower(p_email), 0
    ));
    update perdure.invitations as i set closed_at = v_now
    where i.organization_id = p_organization_id and lower(i.email) = lower(p_email) and i.closed_at is null;
    insert into perdure.invitations (
        id, organization_id, email, role, secret_hash, invited_by, created_at, expires_at
    )
    values (
        perdure.new_id(), p_organization_id, p_email, p_role, sha256(convert_to(v_secret, 'UTF8')), p_actor_id,
        v_now, v_now + interval '7 days'
    );
    perform perdure.audit(
        p_actor_id, p_organization_id, 'invitation.create', p_email,
        null::jsonb, jsonb_build_object('role', p_role)
    );
    return v_secret;
end;
$$;
comment on function perdure.invite_member(uuid, uuid, text, text) is 'Make a link by which somebody becomes a member.';
