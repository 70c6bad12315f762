-- upsert_tasks: store tasks of executions; the hot path. One call for any number of callers, of whom each
-- gets an answer of its own: a bad call fails alone. A run that waits goes on when a task of it that waits is ended.
-- Arguments  p_calls  JSON array of {environmentId, runId, leaseNumber?, task}; task: a TaskRecord or the body of "run
--            task". Without leaseNumber (an SDK that does not know it) a task of a run that has ended is answered as it
--            is, and a new one is CANCELED: such a call is late, and its execution is to stop;
--            p_minimal  JSON null will do for a task that was new and has ended as its call says.
-- Returns    a row for each call, in order: the task (ServerTask), or JQ001 not_found, JQ002 wrong_state, JQ003
--            already_finished, JQ005 lease_lost, JQ010 invalid_argument with a message. No row at all: with p_minimal,
--            null would be the answer to each.
-- Locks      runs whose waiting tasks end, in id order; then tasks as _store_tasks.
-- Called by  the server, end_task.
create or replace function perdure.upsert_tasks(p_calls json, p_minimal boolean default false)
returns table (ordinal integer, error_code text, error_message text, response json)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_calls constant json := perdure._shield(p_calls);
    v_locks boolean := position('waitForEvent' in p_calls::text) > 0;
    v_waiting_ids uuid[];
    v_answers perdure.task_answer[];
begin
    loop
        begin
            if v_locks then
                v_waiting_ids := perdure._lock_awaiting_runs(
                    perdure._check_task_calls(v_calls, perdure._id_now(), perdure._id_tail())
                );
            end if;
            v_answers := perdure._store_tasks(v_calls, false, v_locks, p_minimal);
            if v_waiting_ids is not null then
                perform perdure._wake_runs(v_waiting_ids);
            end if;
            if cardinality(v_answers) > 0 then
                return query
                select a.ordinal::integer, a.error_code, a.error_message, a.response
                from unnest(v_answers) with ordinality as a (error_code, error_message, response, ordinal);
            end if;
            return;
        exception
            -- A task that waits would end: once more, with its run locked before any task is.
            when sqlstate 'JQ002' then
                if v_locks then
                    raise;
                end if;
                v_locks := true;
            -- A call holds what cannot be stored, say a delayUntil that is no instant: find it by trying one at a time.
            when data_exception or integrity_constraint_violation or program_limit_exceeded then
                if json_array_length(p_calls) > 1 then
                    return query
                    select
                        e.ordinality::integer, u.error_code, u.error_message,
                        case when u.ordinal is null then 'null' else u.response end
                    from json_array_elements(p_calls) with ordinality as e
                    left join lateral perdure.upsert_tasks(json_build_array(e.value), p_minimal) as u on true
                    order by e.ordinality;
                else
                    return query select 1, 'JQ010', sqlerrm, null::json;
                end if;
                return;
        end;
    end loop;
end;
$$;
comment on function perdure.upsert_tasks(json, boolean) is 'Store tasks of executions.';
