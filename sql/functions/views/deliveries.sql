-- deliveries: requests that are sent until they are answered, and what became of them. The secret in the URL of a
-- task's callback is not shown.
create or replace view perdure_views.deliveries as
select
    d.id,
    d.environment_id,
    d.kind,
    d.subject_id,
    d.status,
    regexp_replace(d.url, '(/callback/)[0-9a-f]{24}$', '\1…') as url,
    d.request,
    d.body,
    d.attempt_count,
    d.due_at,
    d.response,
    d.message,
    d.created_at,
    d.completed_at
from perdure.deliveries as d;
comment on view perdure_views.deliveries is 'Requests that are sent until they are answered.';
