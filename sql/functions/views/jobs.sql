-- jobs: each job in each environment, in the version that new runs get.
create or replace view perdure_views.jobs as
select
    k.id,
    l.environment_id,
    k.slug,
    k.name,
    k.internal,
    v.version,
    v.status,
    v.trigger,
    v.event_spec,
    p.slug as endpoint,
    v.updated_at
from perdure.environment_jobs as l
inner join perdure.jobs as k on k.id = l.job_id
inner join perdure.job_versions as v on v.id = l.latest_version_id
inner join perdure.endpoints as p on p.id = v.endpoint_id;
comment on view perdure_views.jobs is 'Jobs per environment, in the version new runs get.';
