-- _join: make somebody a member of an organization, or give a member this role.
-- Arguments  p_action  by which it came, and p_object  what of, for the audit log.
create or replace function perdure._join(
    p_user_id uuid, p_organization_id uuid, p_role text, p_action text, p_object text
)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_before text;
begin
    select m.role into v_before
    from perdure.memberships as m
    where m.organization_id = p_organization_id and m.user_id = p_user_id;
    insert into perdure.memberships (organization_id, user_id, role, created_at)
    values (p_organization_id, p_user_id, p_role, perdure.clock())
    on conflict (organization_id, user_id) do update set role = excluded.role;
    perform perdure.audit(
        p_user_id, p_organization_id, p_action, p_object,
        case when v_before is not null then jsonb_build_object('role', v_before) end,
        jsonb_build_object('role', p_role)
    );
end;
$$;
comment on function perdure._join(uuid, uuid, text, text, text) is 'Make somebody a member.';
