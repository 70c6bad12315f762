-- _lock_member: take a membership that is to be changed.
-- Returns    its role.
-- Errors     JQ001 not_found; JQ002 wrong_state: it is the first owner, who stays one.
-- Locks      the membership.
create or replace function perdure._lock_member(p_organization_id uuid, p_user_id uuid)
returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_role text;
begin
    if exists (select 1 from perdure.users as u where u.id = p_user_id and u.is_first_owner) then
        raise exception using errcode = 'JQ002', message = 'the first owner stays an owner of every organization';
    end if;
    select m.role into v_role
    from perdure.memberships as m
    where m.organization_id = p_organization_id and m.user_id = p_user_id
    for update;
    if v_role is null then
        raise exception using
            errcode = 'JQ001',
            message = format('the organization has no member %s', coalesce(p_user_id::text, 'null'));
    end if;
    return v_role;
end;
$$;
comment on function perdure._lock_member(uuid, uuid) is 'Take a membership that is to be changed.';
