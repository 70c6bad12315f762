-- dynamic_triggers: triggers whose events (kind EVENT) or schedules (SCHEDULE) are attached at run time, and the jobs
-- that they start.
create or replace view perdure_views.dynamic_triggers as
select
    t.id,
    t.environment_id,
    p.slug as endpoint,
    t.slug,
    t.kind,
    array(
        select k.slug
        from perdure.dynamic_trigger_jobs as x
        inner join perdure.jobs as k on k.id = x.job_id
        where x.dynamic_trigger_id = t.id
        order by k.slug
    ) as jobs,
    t.created_at,
    t.updated_at
from perdure.dynamic_triggers as t
inner join perdure.endpoints as p on p.id = t.endpoint_id;
comment on view perdure_views.dynamic_triggers is 'Triggers whose events or schedules are attached at run time.';
