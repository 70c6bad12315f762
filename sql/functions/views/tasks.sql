-- tasks: the durable steps of runs, with their stored results. What is marked as secret is left out, and so is the
-- secret in the URL of a callback. operation, effect: what the platform itself does for the task. is_redacted: parts of
-- its output are secret.
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
    perdure._redact(perdure._hide_redacted(t.params), t.redact) as params,
    t.properties,
    perdure._redact(t.output, t.redact) as output,
    regexp_replace(t.output_properties::text, '(/callback/)[0-9a-f]{24}', '\1…', 'g')::json as output_properties,
    t.delay_until,
    t.due_at,
    t.started_at,
    t.completed_at,
    t.created_at,
    t.connection_key,
    t.operation,
    t.effect,
    t.callback_url is not null as has_callback,
    t.redact is not null as is_redacted
from perdure.tasks as t;
comment on view perdure_views.tasks is 'Durable steps of runs.';
