-- list_invitations: the invitations to an organization that can be accepted, newest first.
-- Called by  the dashboard.
create or replace function perdure.list_invitations(p_organization_id uuid)
returns table (id uuid, email text, role text, invited_by text, created_at timestamptz, expires_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select i.id, i.email, i.role, u.email, i.created_at, i.expires_at
    from perdure.invitations as i
    inner join perdure.users as u on u.id = i.invited_by
    where i.organization_id = p_organization_id and i.closed_at is null and i.expires_at > perdure.clock()
    order by i.id desc;
$$;
comment on function perdure.list_invitations(uuid) is 'The open invitations to an organization.';
