-- _move_runs: move runs to what their executions' results make of them, and record the executions.
-- All that is read or written is looked up in one pass over each index, for all runs together, and merged by run id:
-- the rows of the runs of a batch lie next to each other, and a look-up for each costs pages that grow with the tables.
-- Merging goes in the order of ids, in which runs are to be locked, however large the results are.
-- Arguments  p_results, p_all_succeeded  as _next_run_states; p_is_plain  nothing but ids is asked of it.
-- Returns    one row: the results whose lease held, with the status that their run got, in the order of run ids, unless
--            p_is_plain; their run ids; the concurrency limits that these executions counted against. Null: none.
-- Errors     as _next_run_states.
-- Locks      runs in id order.
-- Called by  apply_results.
create or replace function perdure._move_runs(
    p_results perdure.execution_result[], p_all_succeeded boolean, p_is_plain boolean,
    out applied perdure.execution_result[], out applied_ids uuid[], out concurrency_limit_ids uuid[]
)
language plpgsql volatile set search_path = pg_catalog, pg_temp
set enable_mergejoin = on set enable_nestloop = off
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_applied perdure.execution_result[];
    v_limit_ids text;  -- with commas between
begin
    with moved as (
        update perdure.runs as r
        set
            status = n.status,
            output = perdure._unshield(n.output),
            completed_at = case when perdure._is_final(n.status) then v_now end,
            due_at = n.due_at,
            timeout_at = case when not perdure._is_final(n.status) then r.timeout_at end,
            execution_count = r.execution_count + 1,
            failure_count = n.failure_count,
            idle_count = n.idle_count,
            http_status = case when n.status = 'SUCCESS' and r.lease_number = 1 then (n.result).http_status end,
            duration_ms = r.duration_ms + coalesce((n.result).duration_ms, 0),
            yielded_keys = coalesce(n.yielded_keys, r.yielded_keys),
            updated_at = v_now
        from perdure._next_run_states(p_results, p_all_succeeded) as n
        where
            r.id = any(array(select u.run_id from unnest(p_results) as u)) and r.id = n.run_id
            and r.lease_number = (n.result).lease_number and r.status = 'EXECUTING'
        returning r.id, n.result, r.status, r.lease_number, r.duration_ms, r.dispatcher
    ),
    ended as (
        delete from perdure.leases as l
        where l.run_id = any(array(select m.id from moved as m))
        returning l.run_id, l.claimed_at, l.concurrency_limit_ids
    ),
    -- The row of a run tells as much of a success at its first try, unless there is a message, or what the platform
    -- requested for a task counts into the run's duration, too.
    recorded as (
        insert into perdure.executions (
            run_id, lease_number, dispatcher, claimed_at, ended_at, duration_ms, verdict, reply_status, http_status,
            message
        )
        select
            m.id, m.lease_number, m.dispatcher, e.claimed_at, v_now, coalesce((m.result).duration_ms, 0),
            (m.result).verdict, (m.result).reply_status, (m.result).http_status, (m.result).message
        from moved as m
        inner join ended as e on e.run_id = m.id
        where
            not (
                m.status = 'SUCCESS' and m.lease_number = 1 and (m.result).message is null
                and m.duration_ms = coalesce((m.result).duration_ms, 0)
            )
    )
    select
        array_agg(row(
            m.id, (m.result).lease_number, (m.result).verdict, (m.result).duration_ms, (m.result).http_status,
            (m.result).message, (m.result).reply, (m.result).reply_status, m.status, null
        )::perdure.execution_result order by m.id) filter (where not p_is_plain),
        array_agg(m.id order by m.id),
        (select string_agg(array_to_string(e.concurrency_limit_ids, ','), ',') from ended as e)
    into v_applied, applied_ids, v_limit_ids
    from moved as m;
    applied := v_applied;
    if v_limit_ids is not null then
        concurrency_limit_ids := array(
            select distinct i.id::uuid from unnest(string_to_array(v_limit_ids, ',')) as i (id)
        );
    end if;
end;
$$;
comment on function perdure._move_runs(perdure.execution_result[], boolean, boolean)
is 'Move runs to what results make of them.';
