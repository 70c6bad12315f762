-- event_look_ups: waits for events for which stored events are to be looked through again: one that was being sent when
-- the wait was stored saw no wait, and was not seen by it. A row goes when every transaction that may hold such an
-- event has finished, or the wait has ended. Written only by sql/functions/effects/ and _send_to_dispatchers.
create table perdure.event_look_ups (
    id uuid primary key,
    task_id uuid not null,  -- not unique: senders must not wait for each other
    run_id uuid not null,
    horizon xid8,  -- a transaction that began before it may hold an event not yet seen; null: not looked through yet
    due_at timestamptz not null,
    created_at timestamptz not null
);
comment on table perdure.event_look_ups is 'Waits for which stored events are to be looked through again.';
-- Serves promote_due: oldest due first.
create index event_look_ups_due_idx on perdure.event_look_ups (due_at, id);
