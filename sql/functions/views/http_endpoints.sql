-- http_endpoints: public URLs that feed jobs with raw requests; list_http_endpoints knows the URLs.
create or replace view perdure_views.http_endpoints as
select
    h.id,
    h.environment_id,
    p.slug as endpoint,
    h.key,
    h.title,
    h.source,
    h.enabled,
    h.immediate_response_filter,
    h.skip_triggering_runs,
    w.key as webhook,
    h.created_at,
    h.updated_at
from perdure.http_endpoints as h
inner join perdure.endpoints as p on p.id = h.endpoint_id
left join perdure.webhooks as w on w.http_endpoint_id = h.id;
comment on view perdure_views.http_endpoints is 'Public URLs that feed jobs with raw requests.';
