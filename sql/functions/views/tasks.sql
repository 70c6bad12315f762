-- tasks: the durable steps of runs, with their stored results.
create or replace view perdure_views.tasks as
select
    t.id,
    t.run_id,
    t.parent_id,
    t.idempotency_key,
    t.display_key,
    t.name,
    t.icon,
    t.description,
    t.status,
    t.noop,
    t.attempt_count,
    t.params,
    t.properties,
    t.output,
    t.output_properties,
    t.delay_until,
    t.due_at,
    t.started_at,
    t.completed_at
from perdure.tasks as t;
comment on view perdure_views.tasks is 'Durable steps of runs.';
