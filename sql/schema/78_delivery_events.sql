-- delivery_events: which events a source's handler made of what a provider sent. Insert only, by
-- _apply_source_request. The same event may have come with several deliveries: it was stored with the first.
create table perdure.delivery_events (
    delivery_id uuid not null,
    event_id uuid not null,  -- events.id
    primary key (delivery_id, event_id)
);
comment on table perdure.delivery_events is 'Which events came of what a provider sent.';
-- Serves the page of an event: where it came from.
create index delivery_events_event_idx on perdure.delivery_events (event_id, delivery_id);
