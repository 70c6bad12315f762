-- webhooks: webhooks that register themselves, and whether they are registered; never their secrets. registration says
-- how that went, as of sources.
create or replace view perdure_views.webhooks as
select
    w.id,
    w.environment_id,
    p.slug as endpoint,
    w.key,
    h.key as http_endpoint,
    w.params,
    w.desired_config,
    w.current_config,
    w.active,
    w.created_at,
    w.updated_at,
    case
        when w.http_endpoint_id is null then 'OFF'
        when w.active and w.desired_config = w.current_config then 'REGISTERED'
        when r.completed_at is null and r.run_id is not null then 'PENDING'
        else 'FAILED'
    end as registration,
    r.run_id as registration_run,
    case
        when w.http_endpoint_id is null or w.active and w.desired_config = w.current_config then null
        when r.run_id is null then 'No job of the app registers it'
        when r.completed_at is null then null
        else coalesce(r.message, 'The registration ended without registering it')
    end as registration_problem
from perdure.webhooks as w
inner join perdure.endpoints as p on p.id = w.endpoint_id
left join perdure.http_endpoints as h on h.id = w.http_endpoint_id
left join lateral (
    select
        x.id as run_id,
        x.completed_at,
        f.message
    from perdure.runs as x
    left join perdure.run_failures as f on f.run_id = x.id
    where x.event_id = w.registration_event_id
    order by x.id desc
    limit 1
) as r on true;
comment on view perdure_views.webhooks is 'Webhooks that register themselves at their provider.';
