-- _environment_json: the members of EXECUTE_JOB that say where a run belongs.
-- Returns    environment, organization and project objects of the wire of EXECUTE_JOB, and the limit that all runs of
--            the environment have; no row for an unknown id.
-- Called by  _environment_members, _preprocess_request, _run_notification_json.
create or replace function perdure._environment_json(p_environment_id uuid)
returns table (environment json, organization json, project json, concurrency_limit_id uuid)
language sql stable
begin atomic
    select
        json_build_object('id', e.id, 'slug', e.slug, 'type', e.type),
        json_build_object('id', o.id, 'slug', o.slug, 'title', o.title),
        json_build_object('id', p.id, 'slug', p.slug, 'name', p.name),
        e.concurrency_limit_id
    from perdure.environments as e
    inner join perdure.projects as p on p.id = e.project_id
    inner join perdure.organizations as o on o.id = p.organization_id
    where e.id = p_environment_id;
end;
comment on function perdure._environment_json(uuid) is 'Environment, organisation and project as the wire shows them.';
