-- _store_tasks: create tasks, or meet them again: any number of tasks of any number of runs, nearly always in one
-- statement. A task that exists is left as it is, except that an open one takes an outcome, and a CANCELED one (of a
-- run that is being continued) starts anew. Of two calls for the same task the one with an outcome counts.
-- Arguments  p_calls        as _task_calls takes them. Outcomes: COMPLETED with output, ERRORED with error. An effect
--            is brought about when its task is created or starts anew: it is performed or begun, in this transaction,
--            and it says how the task stands;
--            p_trusted      as _task_calls;
--            p_runs_locked  the caller has locked the runs of tasks that wait, and wakes them;
--            p_minimal      JSON null will do for a task that was new and has ended as its call says.
-- Returns    an answer for each call, in their order: the task as it is now (ServerTask), or an error. Empty: with
--            p_minimal, null would be the answer to each.
-- Errors     JQ002 wrong_state: a task that waits would end, and its run is not locked: nothing is to be kept.
-- Locks      tasks in the order of _new_tasks: new ones, then those that exist; then as _begin_effects.
-- Called by  upsert_tasks, _store_reply_tasks.
create or replace function perdure._store_tasks(
    p_calls json, p_trusted boolean, p_runs_locked boolean, p_minimal boolean
)
returns perdure.task_answer[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_ids_from constant bigint := perdure._id_now();
    v_ids_tail constant text := perdure._id_tail();
    v_new_ids uuid[];
    v_all_ended boolean;  -- of these
    v_begun_ids uuid[];  -- tasks from which something follows
    v_calls perdure.task_call[];
begin
    with stored as (
        insert into perdure.tasks as t (
            id, run_id, idempotency_key, display_key, parent_id, status, noop, name, icon, description, params,
            properties, output_properties, style, connection_key, redact, operation, effect, child_execution_mode, output,
            delay_until, due_at, callback_url, callback_timeout_at, started_at, completed_at, created_at, updated_at
        )
        select
            n.id, n.run_id, n.idempotency_key, n.display_key, n.parent_id, n.status, n.noop, n.name, n.icon,
            n.description, n.params, n.properties, n.output_properties, n.style, n.connection_key, n.redact, n.operation,
            n.effect, n.child_execution_mode, n.output, n.delay_until, n.due_at, n.callback_url, n.callback_timeout_at,
            n.started_at, n.completed_at, v_now, v_now
        from perdure._new_tasks(p_calls, v_ids_from, v_ids_tail, p_trusted, v_now) as n
        on conflict (run_id, idempotency_key) do nothing
        returning
            t.id, t.status in ('COMPLETED', 'ERRORED') as has_ended,
            t.due_at is not null or t.operation is not null or t.effect is not null as is_begun
    )
    select
        array_agg(s.id),
        bool_and(s.has_ended),
        array_agg(s.id) filter (where s.is_begun)
    into v_new_ids, v_all_ended, v_begun_ids
    from stored as s;
    if v_begun_ids is null and cardinality(v_new_ids) = json_array_length(p_calls) then
        if p_minimal and v_all_ended then
            return '{}'::perdure.task_answer[];
        end if;
        return array(
            select row(
                null, null,
                case when p_minimal and t.status in ('COMPLETED', 'ERRORED') then 'null' else perdure._task_json(t) end
            )::perdure.task_answer
            from perdure.tasks as t
            where t.id = any(v_new_ids)
            order by t.id  -- they ascend in the order of the calls
        );
    end if;

    -- Some may not write, or are about tasks that exist, or something follows.
    v_calls := perdure._check_task_calls(p_calls, v_ids_from, v_ids_tail, p_trusted);
    if v_new_ids is null or cardinality(v_new_ids) < cardinality(v_calls) then
        v_begun_ids := v_begun_ids || perdure._meet_tasks(p_calls, v_ids_from, v_ids_tail, p_trusted, p_runs_locked);
    end if;
    if v_begun_ids is not null then
        perform perdure._begin_tasks(v_calls, v_begun_ids);
    end if;
    return array(
        select row(
            c.error_code,
            case
                when c.error_code is not null then perdure._task_call_problem(c.error_code, c.run_id, c.lease_number)
            end,
            t.answer
        )::perdure.task_answer
        from unnest(v_calls) as c
        -- limit keeps this an index look-up a call, whatever the planner thinks of the number of calls.
        left join lateral (
            select perdure._task_json(x) as answer
            from perdure.tasks as x
            where x.run_id = c.run_id and x.idempotency_key = (c.task)."idempotencyKey" and c.error_code is null
            limit 1
        ) as t on true
        order by c.ordinal
    );
end;
$$;
comment on function perdure._store_tasks(json, boolean, boolean, boolean) is 'Create tasks, or meet them again.';
