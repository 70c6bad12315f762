-- finish_tasks: end tasks by id, as an SDK does that created them first. A task that has ended is left as it
-- is and answered, by a caller without a lease also when its run has ended: such a call is late, or comes twice. A run
-- that waits goes on when a task of it that waits is ended.
-- Arguments  p_calls  JSON array of {environmentId, runId, taskId, leaseNumber?, status: COMPLETED | ERRORED,
--            output?, error?, properties? (become the output properties), description?, params?}.
-- Returns    a row for each call, in order: the task (ServerTask), or JQ001 not_found, JQ003
--            already_finished, JQ005 lease_lost, JQ010 invalid_argument with a message.
-- Locks      runs whose waiting tasks end, in id order; then tasks.
-- Called by  the server.
create or replace function perdure.finish_tasks(p_calls json)
returns table (ordinal integer, error_code text, error_message text, response json)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := perdure.clock();
    v_calls perdure.task_call[];
    v_waiting_ids uuid[];
begin
    -- What a call says of its task stands in the call itself.
    v_calls := perdure._check_task_calls((
        select ('[' || string_agg('{"task":' || i.call || ',' || substr(i.call::text, 2), ',') || ']')::json
        from json_array_elements(perdure._shield(p_calls)) as i (call)
    ));
    v_waiting_ids := perdure._lock_awaiting_runs(v_calls);
    update perdure.tasks as t
    set
        status = f.status,
        output = perdure._unshield(case f.status when 'COMPLETED' then f.body -> 'output' else f.body -> 'error' end),
        output_properties = coalesce(perdure._unshield((f.task).properties), t.output_properties),
        description = coalesce((f.task).description, t.description),
        params = coalesce(perdure._unshield((f.task).params), t.params),
        completed_at = v_now,
        due_at = null,
        updated_at = v_now
    from (
        -- The first of several calls for one task counts.
        select distinct on (c.task_id) c.run_id, c.task_id, c.body, c.task, (c.task).status
        from unnest(v_calls) as c
        where c.error_code is null and (c.task).status in ('COMPLETED', 'ERRORED')
        order by c.task_id, c.ordinal
    ) as f
    where t.id = f.task_id and t.run_id = f.run_id and t.status in ('PENDING', 'RUNNING', 'WAITING');
    if v_waiting_ids is not null then
        perform perdure._wake_runs(v_waiting_ids);
    end if;

    -- limit keeps this an index look-up a row, whatever the planner thinks of the number of calls.
    return query
    select
        c.ordinal,
        e.code,
        coalesce(
            case when c.error_code is not null then perdure._task_call_problem(c.error_code, c.run_id, c.lease_number) end,
            case e.code
                when 'JQ001' then format('there is no task %s in run %s', coalesce(c.task_id::text, 'null'), c.run_id)
                when 'JQ010'
                    then format('status must be COMPLETED or ERRORED, not %s', coalesce((c.task).status, 'null'))
            end
        ),
        case when e.code is null then perdure._task_json(t.task) end
    from unnest(v_calls) as c
    left join lateral (
        select x as task from perdure.tasks as x where x.id = c.task_id and x.run_id = c.run_id limit 1
    ) as t on true
    cross join lateral (
        select coalesce(
            c.error_code,
            case when (t.task).id is null then 'JQ001' end,
            case when (c.task).status in ('COMPLETED', 'ERRORED') then null else 'JQ010' end
        ) as code
    ) as e
    order by c.ordinal;
exception
    -- A call holds what cannot be stored, say a taskId that is no id: find it by trying one at a time.
    when data_exception or integrity_constraint_violation or program_limit_exceeded then
        if json_array_length(p_calls) > 1 then
            return query
            select e.ordinality::integer, f.error_code, f.error_message, f.response
            from json_array_elements(p_calls) with ordinality as e
            cross join lateral perdure.finish_tasks(json_build_array(e.value)) as f
            order by e.ordinality;
        else
            return query select 1, 'JQ010', sqlerrm, null::json;
        end if;
end;
$$;
comment on function perdure.finish_tasks(json) is 'End tasks by id.';
