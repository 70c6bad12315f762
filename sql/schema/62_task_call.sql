-- task_record: a task as a call states it, by the names of the wire: read by json_populate_record. Not stored. What the
-- user wrote is read from the text instead, where a JSON null or the way in which a text is written matters.
create type perdure.task_record as (
    "idempotencyKey" text,
    "displayKey" text,
    "parentId" uuid,
    "parentKey" text,
    status text,
    noop boolean,
    name text,
    icon text,
    description text,
    params json,
    properties json,
    "outputProperties" json,
    style json,
    "connectionKey" text,
    operation text,
    parallel boolean,
    "delayUntil" timestamptz,
    "delaySeconds" double precision,
    "startedAt" timestamptz,
    callback json,
    redact json,
    effect json
);
comment on type perdure.task_record is 'A task as a call states it.';

-- task_message: a call about a task as it comes, by the names of the wire: read by json_populate_recordset. Not stored.
create type perdure.task_message as (
    "environmentId" uuid,
    "runId" uuid,
    "taskId" uuid,
    "leaseNumber" integer,  -- null: the caller does not know leases
    task json  -- a task_record
);
comment on type perdure.task_message is 'A call about a task as it comes.';

-- task_call: one call inside upsert_tasks and finish_tasks, parsed. Not stored.
create type perdure.task_call as (
    ordinal integer,  -- its place in the batch, from 1
    environment_id uuid,
    run_id uuid,
    task_id uuid,
    new_id uuid,  -- of the task if it is new; ascending by ordinal; null: the call is about a task by its id
    lease_number integer,
    body json,  -- what is to be stored
    task perdure.task_record,  -- the same, parsed
    canceled boolean,  -- the run has ended: what is new there is CANCELED
    error_code text  -- why it may not write: _task_call_problem says it in words; null: it may
);
comment on type perdure.task_call is 'One call about a task inside a batch.';

-- task_answer: what a call of upsert_tasks gets. Not stored.
create type perdure.task_answer as (
    error_code text,  -- null: it has been carried out
    error_message text,
    response json  -- the task
);
comment on type perdure.task_answer is 'What a call about a task gets.';
