-- http_endpoints: public URLs that feed jobs with raw requests, and the jobs that listen to them; list_http_endpoints
-- knows the URLs.
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
    h.updated_at,
    array(
        select k.slug
        from perdure.event_dispatcher_names as n
        inner join perdure.event_dispatchers as d on d.id = n.event_dispatcher_id
        inner join perdure.jobs as k on k.id = d.job_id
        where
            n.environment_id = h.environment_id and n.event_name = 'httpendpoint.' || h.key and n.source = h.source
            and d.enabled
        order by k.slug
    ) as jobs,
    w.id as webhook_id
from perdure.http_endpoints as h
inner join perdure.endpoints as p on p.id = h.endpoint_id
left join perdure.webhooks as w on w.http_endpoint_id = h.id;
comment on view perdure_views.http_endpoints is 'Public URLs that feed jobs with raw requests.';
