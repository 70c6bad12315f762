-- schedules: what fires at an interval or by a cron expression, and when next; problem says why the engine switched one
-- off, paused_at since when somebody wants it not to fire.
create or replace view perdure_views.schedules as
select
    s.id,
    s.environment_id,
    k.slug as job,
    t.slug as dynamic_schedule,
    s.key,
    s.type,
    s.seconds,
    s.cron,
    s.time_zone,
    a.identifier as account,
    s.metadata,
    s.active,
    s.due_at,
    s.last_fired_at,
    s.problem,
    s.created_at,
    s.updated_at,
    s.paused_at
from perdure.schedules as s
left join perdure.jobs as k on k.id = s.job_id
left join perdure.dynamic_triggers as t on t.id = s.dynamic_trigger_id
left join perdure.external_accounts as a on a.id = s.external_account_id;
comment on view perdure_views.schedules is 'What fires at an interval or by a cron expression, and when next.';
