-- task_call: one call inside upsert_tasks, finish_tasks and _store_tasks, parsed once. Not stored.
create type perdure.task_call as (
    ordinal integer,  -- its place in the batch, from 1
    environment_id uuid,
    run_id uuid,
    task_id uuid,
    lease_number integer,  -- null: the caller does not know leases
    body json,  -- what is to be stored
    canceled boolean,  -- the run has ended: what is new there is CANCELED
    error_code text,  -- why it may not write; null: it may
    error_message text
);
comment on type perdure.task_call is 'One call about a task inside a batch.';
