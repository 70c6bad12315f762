-- event_replays: events that happened once more because somebody wanted it. Insert only, by replay_event.
create table perdure.event_replays (
    event_id uuid primary key,  -- events.id of the new one
    replayed_id uuid not null  -- events.id of the one that it repeats
);
comment on table perdure.event_replays is 'Events that repeat others.';
-- Serves the page of an event: how often it was repeated.
create index event_replays_replayed_idx on perdure.event_replays (replayed_id, event_id);
