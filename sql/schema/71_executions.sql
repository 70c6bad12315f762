-- executions: the history of EXECUTE_JOB requests, one row each, written when it ends. Insert only. A run that succeeds
-- at its first try, as most do, has no row here where its row in runs tells the same: started_at, completed_at,
-- duration_ms, http_status, dispatcher. perdure_views.executions shows both.
-- Written only by apply_results.

-- A check of one column is a domain, as in runs.
create domain perdure.execution_verdict as text constraint executions_verdict_known check (
    value in (
        'REPLY', 'UNREACHABLE', 'REFUSED', 'FUNCTION_TIMEOUT', 'MALFORMED', 'LEASE_EXPIRED', 'RUN_TIMED_OUT'
    )
);
comment on domain perdure.execution_verdict is 'What became of an EXECUTE_JOB request.';

create table perdure.executions (
    run_id uuid not null,
    claimed_at timestamptz not null,
    ended_at timestamptz not null,
    lease_number integer not null,  -- which claim of the run
    duration_ms integer not null,  -- of the HTTP exchange, as the dispatcher measured it
    http_status integer,
    dispatcher text not null,
    verdict perdure.execution_verdict not null,  -- what became of the request
    reply_status text,  -- status in the endpoint's reply, e.g. RESUME_WITH_TASK
    message text,
    primary key (run_id, lease_number)
);
comment on table perdure.executions is 'History of EXECUTE_JOB requests, but for what runs tell.';
