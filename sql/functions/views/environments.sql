-- environments: where jobs run.
create or replace view perdure_views.environments as
select
    e.id,
    o.slug as organization,
    p.slug as project,
    e.slug,
    e.type,
    e.created_at,
    e.schedules_enabled,
    e.max_executions,
    e.max_duration_ms
from perdure.environments as e
inner join perdure.projects as p on p.id = e.project_id
inner join perdure.organizations as o on o.id = p.organization_id;
comment on view perdure_views.environments is 'Environments of all projects.';
