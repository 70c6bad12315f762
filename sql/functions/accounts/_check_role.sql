-- _check_role: refuse an unknown role, and let only an owner give or take away the role of one.
-- Arguments  p_actor_role  of who does it; p_roles  the roles that are given and taken away.
-- Errors     JQ002 wrong_state: the actor may not; JQ010 invalid_argument: a role is unknown.
create or replace function perdure._check_role(p_actor_role text, variadic p_roles text[])
returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
    v_role text;
begin
    foreach v_role in array p_roles loop
        if v_role is null or v_role not in ('owner', 'admin', 'member', 'viewer') then
            raise exception using
                errcode = 'JQ010',
                message = format(
                    'a role must be owner, admin, member or viewer, not %s', quote_nullable(v_role)
                );
        end if;
    end loop;
    if p_actor_role <> 'owner' and 'owner' = any(p_roles) then
        raise exception using errcode = 'JQ002', message = 'only an owner can give or take away the role of an owner';
    end if;
end;
$$;
comment on function perdure._check_role(text, text[]) is 'Refuse an unknown role, and one beyond the actor.';
