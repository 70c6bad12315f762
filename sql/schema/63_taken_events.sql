-- taken_events: the events that have ended waits of a run: each ends one of them at most. Inserted by whoever has
-- locked the run. Written only by sql/functions/effects/ and _close_runs. A row goes when its run has succeeded: one
-- that ended otherwise may be continued, and wait again.
create table perdure.taken_events (
    run_id uuid not null,
    event_id uuid not null,  -- events.id
    task_id uuid not null,
    primary key (run_id, event_id)
);
comment on table perdure.taken_events is 'Events that have ended waits of runs.';
