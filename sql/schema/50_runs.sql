-- runs: one execution of a job for one event in one environment. Legal changes of status: _run_may_become.
-- Of one that succeeds at its first try this row tells the EXECUTE_JOB request, too (71_executions.sql).
-- Updated at every claim and every reply, so it carries no payload and no index on a column that changes at each step:
-- these updates stay HOT. Pages are left two thirds empty for that: a claim and a reply soon after it may change every
-- row of a page while nothing can be removed from it yet.
-- Written only by sql/functions/runs/ and, when they begin, by _start_runs, _store_events and _begin_event.

-- Checks of one column are domains: Postgres keeps them ready, while it reads and plans the checks of a table anew in
-- each statement.
create domain perdure.run_status as text constraint runs_status_known check (
    value in (
        'PENDING', 'WAITING_ON_CONNECTIONS', 'QUEUED', 'EXECUTING', 'WAITING_TO_CONTINUE', 'WAITING_TO_EXECUTE',
        'PREPROCESSING', 'STARTED', 'SUCCESS', 'FAILURE', 'TIMED_OUT', 'ABORTED', 'CANCELED', 'UNRESOLVED_AUTH',
        'INVALID_PAYLOAD'
    )
);
comment on domain perdure.run_status is 'How a run stands.';

create domain perdure.run_due_at as timestamptz constraint runs_due_at_finite check (isfinite(value));
comment on domain perdure.run_due_at is 'When a run is due.';

create table perdure.runs (
    id uuid primary key,
    environment_id uuid not null,
    job_id uuid not null,
    job_version_id uuid not null,
    endpoint_id uuid not null,
    event_id uuid not null,  -- events.id
    created_at timestamptz not null,
    timeout_at timestamptz,  -- ends TIMED_OUT when it has not ended by then; null: has ended, or has no time limit
    failure_count integer not null default 0,  -- executions that got no answer, the last ones in a row
    idle_count integer not null default 0,  -- executions that brought nothing, the last ones in a row
    is_test boolean not null,
    dispatcher text,  -- who executes it, or did last; null: nobody yet. Changes at a claim, and not at the reply
    status perdure.run_status not null,  -- an update logs all from the first change, mostly here, to the last
    lease_number integer not null default 0,  -- raised by each claim; who says another number is late
    execution_count integer not null default 0,  -- EXECUTE_JOB requests that ended, however
    http_status smallint,  -- of the answer, where the first try was a success; else, or without HTTP, null
    duration_ms bigint not null default 0,  -- wall time of all executions, and of what the platform requested for tasks
    yielded_keys text[],  -- keys of io.yield() already taken; null: none
    properties json,  -- shown to people; from PREPROCESS_RUN
    output json,  -- result, or the error of a failed run; null and no completed_at: none yet
    due_at perdure.run_due_at,  -- WAITING_TO_EXECUTE not before this instant (backoff); null: now
    started_at timestamptz,
    completed_at timestamptz,
    updated_at timestamptz not null,
    -- The beginnings of the statuses of runs that have not ended: short to read.
    constraint runs_completed_at_matches_status check (
        (completed_at is null) = (position(left(status, 2) in 'PE WA QU EX PR ST') > 0)
    ),
    constraint runs_timeout_only_while_open check (timeout_at is null or completed_at is null)
) with (fillfactor = 33);
comment on table perdure.runs is 'Runs of jobs.';
-- Serve list_runs and the views: newest first.
create index runs_environment_idx on perdure.runs (environment_id, id);
create index runs_job_idx on perdure.runs (job_id, id);
create index runs_event_idx on perdure.runs (event_id);
-- Serves promote_due: oldest due backoff first.
create index runs_due_idx on perdure.runs (due_at, id) where due_at is not null;
-- Serves promote_due: the run whose time ends first. Set when the run is created, so updates stay HOT.
create index runs_timeout_idx on perdure.runs (timeout_at, id) where timeout_at is not null;
