-- taken_events: the events that have ended waits of a run: each ends one of them at most. Insert only, by whoever has
-- locked the run. Written only by sql/functions/effects/. A row lives as long as its run.
create table perdure.taken_events (
    run_id uuid not null,
    event_id uuid not null,  -- events.id
    task_id uuid not null,
    primary key (run_id, event_id)
);
comment on table perdure.taken_events is 'Events that have ended waits of runs.';
