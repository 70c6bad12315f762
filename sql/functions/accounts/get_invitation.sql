-- get_invitation: what the link of an invitation offers.
-- Returns    the organization, the email and role, who invited, and whether the email has an account; no row: there is
--            no such invitation, or it was closed or has expired.
-- Called by  the dashboard.
create or replace function perdure.get_invitation(p_secret text)
returns table (organization text, email text, role text, invited_by text, has_account boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select
        o.title, i.email, i.role, u.name,
        exists (select 1 from perdure.users as a where lower(a.email) = lower(i.email))
    from perdure.invitations as i
    inner join perdure.organizations as o on o.id = i.organization_id
    inner join perdure.users as u on u.id = i.invited_by
    where
        i.secret_hash = sha256(convert_to(p_secret, 'UTF8'))
        and i.closed_at is null and i.expires_at > perdure.clock();
$$;
comment on function perdure.get_invitation(text) is 'What an invitation offers.';
