-- list_organizations: where somebody belongs, by title, with the role there.
-- Called by  the dashboard, at every request: of people, who make few.
create or replace function perdure.list_organizations(p_user_id uuid)
returns table (id uuid, slug text, title text, role text)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select o.id, o.slug, o.title, case when u.is_first_owner then 'owner' else m.role end
    from perdure.users as u
    cross join perdure.organizations as o
    left join perdure.memberships as m on m.organization_id = o.id and m.user_id = u.id
    where u.id = p_user_id and u.disabled_at is null and (u.is_first_owner or m.user_id is not null)
    order by lower(o.title), o.id;
$$;
comment on function perdure.list_organizations(uuid) is 'The organizations of a user.';
