-- run_failures: the runs that ended without success, and why: a row each, as long as the run stands like that. A run
-- that is cancelled has not failed; one that is continued has not ended, and its row goes. Kept apart from runs, so
-- that whoever looks for failures reads few rows and runs that succeed cost nothing. Written only by
-- _record_failures; deleted by continue_run.
create table perdure.run_failures (
    run_id uuid primary key,
    environment_id uuid not null,
    job_id uuid not null,
    fingerprint uuid not null,  -- failures that look alike have the same: _failure_fingerprint
    task_id uuid,  -- the task whose error it is; null: no task's
    failed_at timestamptz not null,
    status text not null,
    error_name text,  -- the kind of error, as the app names it: ValueError; null: the app told of none
    message text not null,  -- at most 500 characters
    task_key text,  -- what the app calls that task
    constraint run_failures_status_known check (
        status in ('FAILURE', 'TIMED_OUT', 'ABORTED', 'INVALID_PAYLOAD', 'UNRESOLVED_AUTH')
    )
);
comment on table perdure.run_failures is 'Runs that ended without success, and why.';
-- Serve what lists failures: newest run first, all of an environment, those with a status, those that look alike.
create index run_failures_environment_idx on perdure.run_failures (environment_id, run_id);
create index run_failures_status_idx on perdure.run_failures (environment_id, status, run_id);
create index run_failures_fingerprint_idx on perdure.run_failures (environment_id, fingerprint, run_id)
include (failed_at);
