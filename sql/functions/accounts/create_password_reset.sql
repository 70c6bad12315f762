-- create_password_reset: make a link by which a member who forgot the password chooses another. Whoever has it gets
-- into the account, so it is made only by who can do all that the account can: an owner or admin of every organization
-- that the member belongs to, and an owner where the member is one.
-- Returns    the secret of the link, which is not stored. It holds for a day, and replaces an older one.
-- Errors     JQ001 not_found: no such organization or member; JQ002 wrong_state: the actor may not, the member is the
--            actor, the first owner, or disabled.
-- Locks      the membership, then the link.
-- Called by  the dashboard.
create or replace function perdure.create_password_reset(p_actor_id uuid, p_organization_id uuid, p_user_id uuid)
returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_actor_role constant text := perdure._managing_role(p_actor_id, p_organization_id);
    v_role constant text := perdure._lock_member(p_organization_id, p_user_id);
    v_user perdure.users;
begin
    perform perdure._check_role(v_actor_role, v_role);
    if p_user_id = p_actor_id then
        raise exception using
            errcode = 'JQ002', message = 'one''s own password is changed under Account, by who knows it';
    end if;
    if exists (
        select 1
        from perdure.list_organizations(p_user_id) as o
        cross join lateral perdure._role_of(p_actor_id, o.id) as a (role)
        where not coalesce(a.role = 'owner' or a.role = 'admin' and o.role <> 'owner', false)
    ) then
        raise exception using
            errcode = 'JQ002',
            message = 'this account belongs to other organizations, too, where you have a lesser role: '
                || 'an administrator can make the link, with perdure reset-password';
    end if;
    select * into strict v_user from perdure.users as u where u.id = p_user_id;
    return perdure._new_password_reset(p_actor_id, v_user);
end;
$$;
comment on function perdure.create_password_reset(uuid, uuid, uuid) is 'Make a link to choose a password.';
