-- upsert_tasks: store tasks of executions; the hot path. One call for any number of callers, of whom each
-- gets an answer of its own: a bad call fails alone. A run that waits goes on when a task of it that waits is ended.
-- Arguments  p_calls  JSON array of {environmentId, runId, leaseNumber?, task}; task as in _store_tasks.
--            Without leaseNumber (an SDK that does not know it) a task of a run that has ended is answered as it
--            is, and a new one is CANCELED: such a call is late, and its execution is to stop.
-- Returns    a row for each call, in order: the task (ServerTask), or JQ001 not_found, JQ002 wrong_state, JQ003
--            already_finished, JQ005 lease_lost, JQ010 invalid_argument with a message.
-- Locks      runs whose waiting tasks end, in id order; then tasks as _store_tasks.
-- Called by  the server.
create or replace function perdure.upsert_tasks(p_calls json)
returns table (ordinal integer, error_code text, error_message text, response json)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_calls perdure.task_call[];
    v_waiting_ids uuid[];
begin
    v_calls := perdure._check_task_calls(p_calls);
    for v_index in 1..coalesce(cardinality(v_calls), 0) loop
        if v_calls[v_index].error_code is null and coalesce(v_calls[v_index].body ->> 'idempotencyKey', '') = '' then
            v_calls[v_index].error_code := 'JQ010';
            v_calls[v_index].error_message := 'task.idempotencyKey must be a text that is not empty';
        elsif v_calls[v_index].error_code is null and v_calls[v_index].body -> 'callback' ->> 'enabled' = 'true'
            and not exists (select 1 from perdure.settings as s where s.name = 'public_url')
        then
            v_calls[v_index].error_code := 'JQ002';
            v_calls[v_index].error_message := 'the public URL of the server is not set, so nobody can be told where to '
                || 'call back: start the server with PERDURE_PUBLIC_URL';
        end if;
    end loop;
    v_waiting_ids := perdure._lock_awaiting_runs(v_calls);

    return query
    select
        c.ordinal, c.error_code, c.error_message, case when s.ordinal is not null then perdure._task_json(s.task) end
    from unnest(v_calls) as c
    left join perdure._store_tasks(v_calls) as s on s.ordinal = c.ordinal
    order by c.ordinal;
    perform perdure._wake_runs(v_waiting_ids);
exception
    -- A call holds what cannot be stored, say a delayUntil that is no instant: find it by trying one at a time.
    when data_exception or integrity_constraint_violation or program_limit_exceeded then
        if json_array_length(p_calls) > 1 then
            return query
            select e.ordinality::integer, u.error_code, u.error_message, u.response
            from json_array_elements(p_calls) with ordinality as e
            cross join lateral perdure.upsert_tasks(json_build_array(e.value)) as u
            order by e.ordinality;
        else
            return query select 1, 'JQ010', sqlerrm, null::json;
        end if;
end;
$$;
comment on function perdure.upsert_tasks(json) is 'Store tasks of executions.';
