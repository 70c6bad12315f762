-- begin_task: begin a task that commits with the app's own writes: the first statement of the transaction that does
-- its work. Of several executions that come to the same task one goes on, and the others wait here for its end. What
-- makes it exactly once is the order: begin_task, the app's writes, end_task, commit.
-- Arguments  p_lease_number     of the execution that does the work;
--            p_idempotency_key  the task's.
-- Errors     JQ001 not_found: no such run in this environment; JQ002 wrong_state: the task has ended, so what it did
--            is committed already; JQ003 already_finished: the run has ended; JQ005 lease_lost: another execution
--            has begun since; JQ010 invalid_argument: an argument is null.
-- Locks      the task's advisory lock, until the transaction ends; no rows, so that nothing waits for an app.
-- Called by  apps in direct mode.
create or replace function perdure.begin_task(
    p_environment_id uuid, p_run_id uuid, p_lease_number integer, p_idempotency_key text
)
returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_call perdure.task_call;
begin
    if num_nulls(p_environment_id, p_run_id, p_lease_number, p_idempotency_key) > 0 then
        raise exception using errcode = 'JQ010', message = 'no argument of begin_task may be null';
    end if;
    perform pg_advisory_xact_lock(hashtextextended(p_run_id::text || ':' || p_idempotency_key, 0));

    -- A statement of its own: unless the isolation level forbids it, it sees what was committed during the wait.
    v_call := (perdure._check_task_calls(json_build_array(json_build_object(
        'environmentId', p_environment_id, 'runId', p_run_id, 'leaseNumber', p_lease_number
    ))))[1];
    if v_call.error_code is not null then
        raise exception using errcode = v_call.error_code,
            message = perdure._task_call_problem(v_call.error_code, p_run_id, p_lease_number);
    end if;
    if exists (
        select 1
        from perdure.tasks as t
        where
            t.run_id = p_run_id and t.idempotency_key = p_idempotency_key and t.status in ('COMPLETED', 'ERRORED')
    ) then
        raise exception using
            errcode = 'JQ002',
            message = format('task %s of run %s has ended already', p_idempotency_key, p_run_id);
    end if;
    -- For end_task: it goes with the transaction.
    perform set_config('perdure.task', p_run_id::text || ':' || p_idempotency_key, true);
end;
$$;
comment on function perdure.begin_task(uuid, uuid, integer, text) is
'Begin a task that commits with the app''s writes.';
