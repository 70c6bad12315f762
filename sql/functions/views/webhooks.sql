-- webhooks: webhooks that register themselves, and whether they are registered; never their secrets.
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
    w.updated_at
from perdure.webhooks as w
inner join perdure.endpoints as p on p.id = w.endpoint_id
left join perdure.http_endpoints as h on h.id = w.http_endpoint_id;
comment on view perdure_views.webhooks is 'Webhooks that register themselves at their provider.';
