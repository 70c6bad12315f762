-- list_audit_log: what was changed in an organization, newest first.
-- Arguments  p_before_id  go on below this entry; null: from the newest; p_limit  most entries, 1..1000.
-- Errors     JQ010 invalid_argument: p_limit is null or out of range.
-- Called by  the dashboard.
create or replace function perdure.list_audit_log(
    p_organization_id uuid, p_before_id uuid default null, p_limit integer default 50
)
returns table (
    id uuid, recorded_at timestamptz, user_email text, action text, object text, before jsonb, after jsonb,
    project text, environment text
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform perdure._check_limit('p_limit', p_limit);
    return query
    select
        a.id, a.recorded_at, a.user_email, a.action, a.object, a.before, a.after, p.slug, e.slug
    from perdure.audit_log as a
    left join perdure.environments as e on e.id = a.environment_id
    left join perdure.projects as p on p.id = e.project_id
    where
        a.organization_id = p_organization_id
        and a.id < coalesce(p_before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
    order by a.id desc
    limit p_limit;
end;
$$;
comment on function perdure.list_audit_log(uuid, uuid, integer) is 'What was changed in an organization.';
