-- source_deliveries: the requests that providers sent, raw, and what became of them.
create or replace view perdure_views.source_deliveries as
select
    d.id,
    d.source_id,
    s.environment_id,
    s.key as source,
    d.status,
    d.url,
    d.method,
    d.headers,
    d.body,
    d.attempt_count,
    d.due_at,
    d.response,
    d.message,
    d.created_at,
    d.completed_at
from perdure.source_deliveries as d
inner join perdure.sources as s on s.id = d.source_id;
comment on view perdure_views.source_deliveries is 'Requests from providers.';
