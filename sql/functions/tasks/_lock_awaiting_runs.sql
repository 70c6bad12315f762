-- _lock_awaiting_runs: lock the runs that a task call may wake, since it ends a task that waits: no reply and no
-- promote_due can then let the run wait for that task in between; and the runs of tasks that begin to wait for an
-- event, which no other wait of the run may take meanwhile. Calls for other tasks lock no run.
-- Arguments  p_calls  those with an error are passed over.
-- Returns    the tasks that wait, for an operation of the platform, too, for _wake_runs; empty: none.
-- Locks      their runs, in id order, before any task.
-- Called by  upsert_tasks, finish_tasks.
create or replace function perdure._lock_awaiting_runs(p_calls perdure.task_call[])
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_task_ids uuid[];
    v_run_ids uuid[];
    v_waiting_run_ids uuid[];
begin
    select array_agg(t.id), array_agg(c.run_id) into v_task_ids, v_run_ids
    from unnest(p_calls) as c
    -- limit keeps these index look-ups a call, whatever the planner thinks of the number of calls.
    cross join lateral (
        select t.id, t.status, t.operation
        from perdure.tasks as t
        where t.id = c.task_id and t.run_id = c.run_id
        union all
        select t.id, t.status, t.operation
        from perdure.tasks as t
        where c.task_id is null and t.run_id = c.run_id and t.idempotency_key = (c.task)."idempotencyKey"
        limit 1
    ) as t
    where
        c.error_code is null and (c.task).status in ('COMPLETED', 'ERRORED')
        and (t.status = 'WAITING' or (t.status = 'RUNNING' and t.operation is not null));
    select array_agg(c.run_id) into v_waiting_run_ids
    from unnest(p_calls) as c
    where position('waitForEvent' in c.body::text) > 0 and c.error_code is null;  -- without reading it as JSON
    v_run_ids := v_run_ids || v_waiting_run_ids;
    if v_run_ids is not null then
        perform 1 from perdure.runs as r where r.id = any(v_run_ids) order by r.id for update;
    end if;
    return v_task_ids;
end;
$$;
comment on function perdure._lock_awaiting_runs(perdure.task_call[]) is 'Lock the runs that task calls may wake.';
