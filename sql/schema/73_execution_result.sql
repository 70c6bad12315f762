-- execution_result: one result inside apply_results, parsed once. Not stored.
create type perdure.execution_result as (
    run_id uuid,
    lease_number integer,
    verdict text,
    duration_ms integer,
    http_status integer,
    message text,
    reply json,
    reply_status text,
    run_status text,  -- what the run became; null before it was moved
    task_id uuid  -- the task that the reply is about; null before it is looked up
);
comment on type perdure.execution_result is 'One result inside apply_results.';
