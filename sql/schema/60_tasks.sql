-- tasks: one durable step of a run. The same (run_id, idempotency_key) always means the same row.
-- Legal changes of status: _task_may_become. Written only by sql/functions/tasks/, runs/,
-- operations/ and effects/.
create table perdure.tasks (
    id uuid primary key,
    run_id uuid not null,
    idempotency_key text not null,
    display_key text,
    parent_id uuid,  -- the enclosing task
    status text not null,
    noop boolean not null,  -- true: a pure wait or a log line, nothing to execute after it
    name text not null,
    icon text,
    description text,
    params json,
    properties json,
    output_properties json,
    style json,
    connection_key text,
    redact json,  -- paths of the output that are not to be shown
    operation text,  -- what the platform itself performs: fetch, fetch-response, fetch-poll
    effect text,  -- what storing it brought about: sendEvents, invoke, waitForEvent; another made it ERRORED
    child_execution_mode text not null default 'SEQUENTIAL',
    attempt_count integer not null default 1,  -- including the current one
    output json,  -- result or error; null and COMPLETED: the task returned nothing (not even JSON null)
    delay_until timestamptz,  -- not before this instant; null: no delay
    due_at timestamptz,  -- set while WAITING for an instant: the end of a wait, of a delay, of patience
    callback_url text,  -- somebody outside is to end it by a POST there; null: nobody
    callback_timeout_at timestamptz,  -- until when that is waited for; null: for ever
    started_at timestamptz not null,
    completed_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint tasks_run_key_unique unique (run_id, idempotency_key),
    constraint tasks_status_known check (
        status in ('PENDING', 'WAITING', 'RUNNING', 'COMPLETED', 'ERRORED', 'CANCELED')
    ),
    constraint tasks_operation_known check (operation in ('fetch', 'fetch-response', 'fetch-poll')),
    constraint tasks_child_execution_mode_known check (child_execution_mode in ('SEQUENTIAL', 'PARALLEL')),
    constraint tasks_completed_at_matches_status check (
        (completed_at is not null) = (status in ('COMPLETED', 'ERRORED', 'CANCELED'))
    ),
    constraint tasks_due_only_while_waiting check (due_at is null or status = 'WAITING'),
    constraint tasks_due_at_finite check (isfinite(due_at))
);
comment on table perdure.tasks is 'Durable steps of runs, each with its stored result.';
-- Serves promote_due: oldest due wait first. Not by status: a task that runs without waiting never enters it.
create index tasks_due_idx on perdure.tasks (due_at, id) where due_at is not null;
