-- _managing_role: the role of somebody who may manage the members of an organization: owner or admin.
-- Errors     JQ001 not_found: no such organization, for this user; JQ002 wrong_state: another role.
create or replace function perdure._managing_role(p_user_id uuid, p_organization_id uuid)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_role constant text := perdure._role_of(p_user_id, p_organization_id);
begin
    if v_role is null then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no organization %s', coalesce(p_organization_id::text, 'null'));
    end if;
    if v_role not in ('owner', 'admin') then
        raise exception using
            errcode = 'JQ002', message = format('a %s cannot change who belongs to the organization', v_role);
    end if;
    return v_role;
end;
$$;
comment on function perdure._managing_role(uuid, uuid) is 'The role of who manages members.';
