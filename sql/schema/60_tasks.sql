-- tasks: one durable step of a run. The same (run_id, idempotency_key) always means the same row.
-- Legal changes of status: _task_may_become. Written only by sql/functions/tasks/, runs/,
-- operations/ and effects/.
-- Single columns are checked by domains: Postgres keeps the check of a domain ready for the next statement, while it
-- reads and plans the checks of a table anew in each, which cost as much as the insert itself (ADR 0019).
create domain perdure.task_status as text constraint tasks_status_known check (
    value in ('PENDING', 'WAITING', 'RUNNING', 'COMPLETED', 'ERRORED', 'CANCELED')
);
comment on domain perdure.task_status is 'How a task stands.';

create domain perdure.task_operation as text constraint tasks_operation_known check (
    value in ('fetch', 'fetch-response', 'fetch-poll')
);
comment on domain perdure.task_operation is 'What the platform itself performs for a task.';

create domain perdure.child_execution_mode as text constraint tasks_child_execution_mode_known check (
    value in ('SEQUENTIAL', 'PARALLEL')
);
comment on domain perdure.child_execution_mode is 'How what lies in a task is executed.';

create domain perdure.task_due_at as timestamptz constraint tasks_due_at_finite check (isfinite(value));
comment on domain perdure.task_due_at is 'When a task is due.';

create table perdure.tasks (
    id uuid primary key,
    run_id uuid not null,
    idempotency_key text collate "C" not null,  -- compared by its bytes, which is faster and the same everywhere
    display_key text,
    parent_id uuid,  -- the enclosing task
    status perdure.task_status not null,
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
    operation perdure.task_operation,  -- what the platform itself performs: fetch, fetch-response, fetch-poll
    effect text,  -- what storing it brought about: sendEvents, invoke, waitForEvent; another made it ERRORED
    child_execution_mode perdure.child_execution_mode not null default 'SEQUENTIAL',
    attempt_count integer not null default 1,  -- including the current one
    output json,  -- result or error; null and COMPLETED: the task returned nothing (not even JSON null)
    delay_until timestamptz,  -- not before this instant; null: no delay
    due_at perdure.task_due_at,  -- set while WAITING for an instant: the end of a wait, of a delay, of patience
    callback_url text,  -- somebody outside is to end it by a POST there; null: nobody
    callback_timeout_at timestamptz,  -- until when that is waited for; null: for ever
    started_at timestamptz not null,
    completed_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint tasks_run_key_unique unique (run_id, idempotency_key),
    -- The statuses of a task that has ended are the ones before F: short to write, and so cheap to read.
    constraint tasks_completed_at_matches_status check ((completed_at is null) = (status > 'F')),
    constraint tasks_due_only_while_waiting check (due_at is null or status > 'V')  -- WAITING
);
comment on table perdure.tasks is 'Durable steps of runs, each with its stored result.';
-- Serves promote_due: oldest due wait first. Not by status: a task that runs without waiting never enters it.
create index tasks_due_idx on perdure.tasks (due_at, id) where due_at is not null;
