-- runs: one execution of a job for one event in one environment. Legal changes of status: _run_may_become.
-- Updated at every claim and every reply, so it carries no payload and no index on a column that changes at each step:
-- these updates stay HOT. Pages are left half empty for that, since one claim may change every row of a page.
-- Written only by sql/functions/runs/ and _start_runs.
create table perdure.runs (
    id uuid primary key,
    environment_id uuid not null,
    job_id uuid not null,
    job_version_id uuid not null,
    endpoint_id uuid not null,
    event_id uuid not null,  -- events.id
    created_at timestamptz not null,
    timeout_at timestamptz,  -- ends TIMED_OUT when it has not ended by then; null: has ended, or has no time limit
    is_test boolean not null,
    status text not null,  -- what changes stands from here on: an update logs all from the first change to the last
    lease_number integer not null default 0,  -- raised by each claim; a reply or task call with another number is late
    execution_count integer not null default 0,  -- EXECUTE_JOB requests that ended, however
    failure_count integer not null default 0,  -- of these, the last ones in a row that got no answer
    idle_count integer not null default 0,  -- executions that brought nothing, the last ones in a row
    duration_ms bigint not null default 0,  -- wall time of all executions
    yielded_keys text[],  -- keys of io.yield() already taken; null: none
    properties json,  -- shown to people; from PREPROCESS_RUN
    output json,  -- result, or the error of a failed run; null and no completed_at: none yet
    due_at timestamptz,  -- WAITING_TO_EXECUTE not before this instant (backoff); null: now
    started_at timestamptz,
    completed_at timestamptz,
    updated_at timestamptz not null,
    constraint runs_status_known check (
        -- One constant: a check is parsed anew for each statement.
        status = any('{
            PENDING, WAITING_ON_CONNECTIONS, QUEUED, EXECUTING, WAITING_TO_CONTINUE, WAITING_TO_EXECUTE, PREPROCESSING,
            STARTED, SUCCESS, FAILURE, TIMED_OUT, ABORTED, CANCELED, UNRESOLVED_AUTH, INVALID_PAYLOAD
        }')
    ),
    constraint runs_completed_at_matches_status check (
        (completed_at is not null)
        = (status = any('{SUCCESS, FAILURE, TIMED_OUT, ABORTED, CANCELED, UNRESOLVED_AUTH, INVALID_PAYLOAD}'))
    ),
    constraint runs_due_at_finite check (isfinite(due_at)),
    constraint runs_timeout_only_while_open check (timeout_at is null or completed_at is null)
) with (fillfactor = 45);
comment on table perdure.runs is 'Runs of jobs.';
-- Serve list_runs and the views: newest first.
create index runs_environment_idx on perdure.runs (environment_id, id);
create index runs_job_idx on perdure.runs (job_id, id);
create index runs_event_idx on perdure.runs (event_id);
-- Serves promote_due: oldest due backoff first.
create index runs_due_idx on perdure.runs (due_at, id) where due_at is not null;
-- Serves promote_due: the run whose time ends first. Set when the run is created, so updates stay HOT.
create index runs_timeout_idx on perdure.runs (timeout_at, id) where timeout_at is not null;
