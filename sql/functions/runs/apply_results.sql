-- apply_results: hand in what became of executions; move their runs. The one place where an execution changes
-- a run. A result counts only while its lease does: the run is EXECUTING under that lease number. Anything
-- else is late and changes nothing.
-- Arguments  p_results  JSON array of {runId, leaseNumber, verdict, durationMs, httpStatus?, message?,
--            reply?, metadata?}; verdict as in _run_status_after; reply: what the endpoint answered, for REPLY;
--            metadata: {successSubscription?, failedSubscription?}: the app wants to be told how the run ends.
-- Returns    a row for each result: the run's new status; DROPPED: the run has ended (cancelled); LEASE_LOST:
--            it was claimed again or given up, or there is no such run.
-- Errors     none for a reply that cannot be applied, say a retryAt that is no instant: it counts as MALFORMED
--            and fails its run alone. Anything else malformed as Postgres reports it; then nothing is done.
-- Locks      runs in id order, then their tasks; concurrency limits; the endpoint of one that ran into its host's
--            limit.
-- Called by  the dispatcher; promote_due, for leases that expired.
create or replace function perdure.apply_results(p_results json)
returns table (run_id uuid, outcome text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := perdure.clock();
    v_documents constant json := perdure._shield(p_results);
    v_results perdure.execution_result[];
    v_applied perdure.execution_result[];  -- those whose lease held, with the status their run got
    v_ready_ids uuid[];
    v_limit_ids uuid[];
begin
    select array_agg(row(
        i.run_id, i.lease_number, i.verdict, i.duration_ms, i.http_status, i.message, i.reply, i.reply ->> 'status',
        null, null
    )::perdure.execution_result order by i.ordinal) into v_results
    from rows from (
        json_to_recordset(v_documents) as (
            "runId" uuid, "leaseNumber" integer, verdict text, "durationMs" integer, "httpStatus" integer, message text,
            reply json
        )
    ) with ordinality as i (run_id, lease_number, verdict, duration_ms, http_status, message, reply, ordinal);

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
            duration_ms = r.duration_ms + coalesce(n.duration_ms, 0),
            yielded_keys = n.yielded_keys,
            updated_at = v_now
        from (
            -- Rows locked in id order, so that two batches cannot wait for each other.
            select
                u.*,
                s.*
            from unnest(v_results) as u
            inner join (
                select l.*
                from perdure.runs as l
                where l.id in (select i.run_id from unnest(v_results) as i)
                order by l.id
                for update
            ) as l on l.id = u.run_id and l.lease_number = u.lease_number and l.status = 'EXECUTING'
            cross join lateral perdure._next_run_state(l, u) as s
        ) as n
        where r.id = n.run_id
        returning
            n.run_id, n.lease_number, n.verdict, n.duration_ms, n.http_status, n.message, n.reply, n.reply_status,
            r.status
    )
    select array_agg(row(m.*, null)::perdure.execution_result order by m.run_id) into v_applied from moved as m;

    if v_applied is not null then
        insert into perdure.executions (
            run_id, lease_number, dispatcher, claimed_at, ended_at, duration_ms, verdict, reply_status, http_status,
            message
        )
        select
            a.run_id, a.lease_number, l.dispatcher, l.claimed_at, v_now, coalesce(a.duration_ms, 0), a.verdict,
            a.reply_status, a.http_status, a.message
        from unnest(v_applied) as a
        inner join perdure.leases as l on l.run_id = a.run_id;

        with ended as (
            delete from perdure.leases as l
            using unnest(v_applied) as a
            where l.run_id = a.run_id
            returning l.concurrency_limit_ids
        )
        select array_agg(distinct i.id) into v_limit_ids
        from ended as e
        cross join lateral unnest(e.concurrency_limit_ids) as i (id);

        insert into perdure.dead_letters (run_id, environment_id, reason, created_at)
        select r.id, r.environment_id, coalesce(r.output ->> 'message', a.verdict), v_now
        from unnest(v_applied) as a
        inner join perdure.runs as r on r.id = a.run_id
        where a.run_status = 'FAILURE' and a.verdict in ('UNREACHABLE', 'LEASE_EXPIRED')
        on conflict (run_id) do update set reason = excluded.reason, created_at = excluded.created_at;

        perform perdure._learn_execution_limits(v_applied);
        perform perdure._subscribe_endpoints(v_documents, v_applied);
        v_ready_ids := perdure._apply_replies(v_applied);
        perform perdure._close_runs(array(
            select a.run_id from unnest(v_applied) as a where perdure._is_final(a.run_status)
        ));
        perform perdure._enqueue_runs(v_ready_ids);
        perform perdure._unblock_runs(v_limit_ids);
    end if;

    return query
    select
        u.run_id,
        case
            when a.run_id is not null then r.status
            when r.completed_at is not null then 'DROPPED'
            else 'LEASE_LOST'
        end
    from unnest(v_results) with ordinality as u
    left join unnest(v_applied) as a on a.run_id = u.run_id and a.lease_number = u.lease_number
    left join perdure.runs as r on r.id = u.run_id
    order by u.ordinality;
exception
    -- Something in a reply cannot be stored or is impossible: its run fails, and the others of the batch do not.
    when
        data_exception or integrity_constraint_violation or program_limit_exceeded
        or sqlstate 'JQ002' or sqlstate 'JQ010'
    then
        if json_array_length(v_documents) > 1 then
            return query
            select a.run_id, a.outcome
            from (
                select e.* from json_array_elements(v_documents) with ordinality as e order by e.value ->> 'runId'
            ) as i
            cross join lateral perdure.apply_results(json_build_array(i.value)) as a
            order by i.ordinality;
        elsif v_documents -> 0 -> 'reply' is null then
            raise;  -- no fault of the endpoint's
        else
            return query
            select a.run_id, a.outcome
            from perdure.apply_results(json_build_array(perdure._malformed_result(v_documents -> 0, sqlerrm))) as a;
        end if;
end;
$$;
comment on function perdure.apply_results(json) is 'Hand in what became of executions; move their runs.';
