-- deliveries: requests that are sent until they are answered, and what became of them. What lets somebody in is not
-- shown: the secret in the URL of a task's callback, cookies and tokens of requests that came in.
create or replace view perdure_views.deliveries as
select
    d.id,
    d.environment_id,
    d.kind,
    d.subject_id,
    d.status,
    regexp_replace(d.url, '(/callback/)[0-9a-f]{24}$', '\1…') as url,
    case
        when d.kind in ('SOURCE_REQUEST', 'WEBHOOK_REQUEST') then perdure._hide_credentials(d.request)
        else d.request
    end as request,
    d.body,
    d.attempt_count,
    d.due_at,
    d.response,
    d.message,
    d.created_at,
    d.completed_at,
    d.http_status,
    d.duration_ms,
    d.redelivered_id
from perdure.deliveries as d;
comment on view perdure_views.deliveries is 'Requests that are sent until they are answered.';
