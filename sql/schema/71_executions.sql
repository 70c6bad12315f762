-- executions: the history of EXECUTE_JOB requests, one row each, written when it ends. Insert only.
-- Written only by apply_results.
create table perdure.executions (
    run_id uuid not null,
    lease_number integer not null,  -- which claim of the run
    dispatcher text not null,
    claimed_at timestamptz not null,
    ended_at timestamptz not null,
    duration_ms integer not null,  -- of the HTTP exchange, as the dispatcher measured it
    verdict text not null,  -- what became of the request
    reply_status text,  -- status in the endpoint's reply, e.g. RESUME_WITH_TASK
    http_status integer,
    message text,
    primary key (run_id, lease_number),
    constraint executions_verdict_known check (
        verdict = any('{REPLY, UNREACHABLE, REFUSED, FUNCTION_TIMEOUT, MALFORMED, LEASE_EXPIRED, RUN_TIMED_OUT}')
    )
);
comment on table perdure.executions is 'History of EXECUTE_JOB requests.';
