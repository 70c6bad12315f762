-- _store_task: create a lone task that comes with its end, and from which nothing follows, as nearly all steps of an
-- app that is not busy are. What counts there is how much is touched: a statement of two nodes, where _store_tasks
-- takes any number of tasks of any kind.
-- Arguments  p_calls, p_minimal  as _store_tasks.
-- Returns    its answer; null: the call is something else, or may not write, and nothing was done: that is for
--            _store_tasks to do, or to refuse.
-- Called by  upsert_tasks.
create or replace function perdure._store_task(p_calls json, p_minimal boolean)
returns json
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_call perdure.task_message;
    v_task perdure.task_record;
    v_answer json;
begin
    if left(p_calls::text, 2) <> '[{' or p_calls -> 1 is not null then
        return null;
    end if;
    v_call := json_populate_record(null::perdure.task_message, p_calls -> 0);
    v_task := json_populate_record(null::perdure.task_record, v_call.task);
    if v_task.status in ('COMPLETED', 'ERRORED') is not true or coalesce(v_task."idempotencyKey", '') = ''
        or num_nonnulls(
            v_task."parentKey", v_task.operation, v_task."delayUntil", v_task."delaySeconds", v_task.callback,
            v_task.effect
        ) > 0
    then
        return null;
    end if;

    insert into perdure.tasks as t (
        id, run_id, idempotency_key, display_key, parent_id, status, noop, name, icon, description, params, properties,
        output_properties, style, connection_key, redact, child_execution_mode, output, started_at, completed_at,
        created_at, updated_at
    )
    select
        perdure._id_at(perdure._id_now() + 1), r.id, v_task."idempotencyKey", v_task."displayKey", v_task."parentId",
        v_task.status, coalesce(v_task.noop, false), coalesce(v_task.name, 'Task'), v_task.icon, v_task.description,
        perdure._unshield(v_task.params), perdure._unshield(v_task.properties),
        perdure._unshield(v_task."outputProperties"), coalesce(v_task.style, '{"style": "normal"}'),
        v_task."connectionKey", v_task.redact, case when v_task.parallel then 'PARALLEL' else 'SEQUENTIAL' end,
        perdure._unshield(v_call.task -> case v_task.status when 'COMPLETED' then 'output' else 'error' end),
        coalesce(v_task."startedAt", v_now), v_now, v_now, v_now
    from perdure.runs as r
    where
        r.id = v_call."runId" and r.environment_id = v_call."environmentId"
        and case
            when v_call."leaseNumber" is null then r.completed_at is null
            else r.lease_number = v_call."leaseNumber" and r.status = 'EXECUTING'
        end
    on conflict (run_id, idempotency_key) do nothing
    returning case when p_minimal then 'null' else perdure._task_json(t) end into v_answer;
    return v_answer;
end;
$$;
comment on function perdure._store_task(json, boolean) is 'Create a lone task that comes with its end.';
