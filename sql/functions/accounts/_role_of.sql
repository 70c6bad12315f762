-- _role_of: what somebody is in an organization.
-- Returns    owner, admin, member or viewer; null: nothing, or disabled.
create or replace function perdure._role_of(p_user_id uuid, p_organization_id uuid)
returns text
language sql stable set search_path = pg_catalog, pg_temp
as $$
    select case when u.is_first_owner then 'owner' else m.role end
    from perdure.users as u
    inner join perdure.organizations as o on o.id = p_organization_id
    left join perdure.memberships as m on m.organization_id = o.id and m.user_id = u.id
    where u.id = p_user_id and u.disabled_at is null;
$$;
comment on function perdure._role_of(uuid, uuid) is 'The role of a user in an organization.';
