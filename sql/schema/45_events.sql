-- events: what happened, with its payload. An event that is delivered at once is inserted and never updated.
-- Documents are json, not jsonb: the text is kept as it came, \u0000 and key order included.
-- No foreign keys on the hot tables (events, runs, tasks and what hangs on them): ADR 0005.
-- Written only by sql/functions/events/.

-- Checks of one column are domains, as in runs.
create domain perdure.event_payload_type as text constraint events_payload_type_known check (
    value in ('JSON', 'REQUEST')
);
comment on domain perdure.event_payload_type is 'What the payload of an event is.';

create domain perdure.event_due_at as timestamptz constraint events_due_at_finite check (isfinite(value));
comment on domain perdure.event_due_at is 'When an event is due.';

create table perdure.events (
    id uuid primary key,
    environment_id uuid not null,
    event_id text not null,  -- the sender's id; makes sending idempotent
    name text not null,
    source text not null,
    payload json not null,
    payload_type perdure.event_payload_type not null,
    context json not null,
    external_account_id uuid,  -- the app's end user whom it is about
    dynamic_source_key text,  -- the source of a dynamic trigger that brought it
    source_context json,  -- {id, metadata} of the dynamic source or schedule that sent it
    run_tags text[],  -- tags of the runs that it starts; null: none
    run_metadata jsonb,  -- metadata of these runs; null: none
    is_test boolean not null,
    happened_at timestamptz not null,
    deliver_at timestamptz not null,
    due_at perdure.event_due_at,  -- set while delivery lies ahead
    delivered_at timestamptz,
    cancelled_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint events_event_id_unique unique (environment_id, event_id),
    constraint events_due_until_delivered check (
        (due_at is null) = (delivered_at is not null or cancelled_at is not null)
    )
);
comment on table perdure.events is 'Events with their payloads.';
-- Serves promote_due: oldest due event first.
create index events_due_idx on perdure.events (due_at, id) where due_at is not null;
-- Serves waits of runs for events that were there before them: oldest first.
create index events_name_idx on perdure.events (environment_id, name, delivered_at);
