-- list_members: who belongs to an organization, the first owner and then by name.
-- Returns    is_first_owner  whether the role is for good.
-- Called by  the dashboard.
create or replace function perdure.list_members(p_organization_id uuid)
returns table (
    user_id uuid, email text, name text, role text, is_first_owner boolean, is_disabled boolean, created_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select
        u.id, u.email, u.name, case when u.is_first_owner then 'owner' else m.role end, u.is_first_owner,
        u.disabled_at is not null, coalesce(m.created_at, u.created_at)
    from perdure.users as u
    left join perdure.memberships as m on m.user_id = u.id and m.organization_id = p_organization_id
    where m.user_id is not null or u.is_first_owner
    order by u.is_first_owner desc, lower(u.name), u.id;
$$;
comment on function perdure.list_members(uuid) is 'Who belongs to an organization.';
