-- delivery_events: which events a source's handler made of what a provider sent; a delivery that was made again, and
-- one that the provider sent twice, may have brought the same.
create or replace view perdure_views.delivery_events as
select
    x.delivery_id,
    d.environment_id,
    x.event_id,
    e.event_id as event,
    e.name
from perdure.delivery_events as x
inner join perdure.deliveries as d on d.id = x.delivery_id
inner join perdure.events as e on e.id = x.event_id;
comment on view perdure_views.delivery_events is 'Which events came of what a provider sent.';
