-- runs: one execution of a job for one event. waits_until: the earliest instant at which something will move
-- a waiting run.
create or replace view perdure_views.runs as
select
    r.id,
    r.environment_id,
    k.slug as job,
    v.version,
    k.internal,
    e.event_id as event,
    e.name as event_name,
    r.status,
    r.output,
    r.is_test,
    r.execution_count,
    r.failure_count,
    r.duration_ms,
    least(r.timeout_at, case
        when r.status = 'WAITING_TO_EXECUTE' then r.due_at
        when r.status = 'WAITING_TO_CONTINUE' then (select min(t.due_at) from perdure.tasks as t where t.run_id = r.id)
        when r.status = 'EXECUTING' then (select l.expires_at from perdure.leases as l where l.run_id = r.id)
    end) as waits_until,
    r.created_at,
    r.started_at,
    r.completed_at,
    r.updated_at,
    r.properties,
    array(select t.tag from perdure.run_tags as t where t.run_id = r.id order by t.tag) as tags,
    coalesce((select m.metadata from perdure.run_metadata as m where m.run_id = r.id), '{}') as metadata,
    r.job_id,
    r.timeout_at
from perdure.runs as r
inner join perdure.jobs as k on k.id = r.job_id
inner join perdure.job_versions as v on v.id = r.job_version_id
inner join perdure.events as e on e.id = r.event_id;
comment on view perdure_views.runs is 'Runs of jobs.';
