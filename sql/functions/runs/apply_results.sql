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
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := perdure.clock();
    v_documents constant json := perdure._shield(p_results);
    v_results perdure.execution_result[];
    v_applied perdure.execution_result[];  -- those whose lease held, with the status their run got
    v_applied_ids uuid[];
    v_all_succeeded boolean;
    v_ready_ids uuid[];
    v_limit_ids text;  -- of the limits that the executions counted against, with commas between
begin
    select
        array_agg(row(
            i.run_id, i.lease_number, i.verdict, i.duration_ms, i.http_status, i.message, i.reply, i.reply_status,
            null, null
        )::perdure.execution_result order by i.ordinal),
        bool_and(i.verdict = 'REPLY' and i.reply_status is not distinct from 'SUCCESS')
    into v_results, v_all_succeeded
    from (
        select
            d.*,
            d.reply ->> 'status' as reply_status
        from rows from (
            json_to_recordset(v_documents) as (
                "runId" uuid, "leaseNumber" integer, verdict text, "durationMs" integer, "httpStatus" integer,
                message text, reply json
            )
        ) with ordinality as d (run_id, lease_number, verdict, duration_ms, http_status, message, reply, ordinal)
    ) as i;

    -- Rows are locked in id order, so that two batches cannot wait for each other. The update below goes in that order,
    -- but what becomes of a run that did not succeed is made of the run as it is, which nobody may change meanwhile.
    if not v_all_succeeded then
        perform 1
        from perdure.runs as r
        where r.id = any(array(select u.run_id from unnest(v_results) as u))
        order by r.id
        for update;
    end if;
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
        from perdure._next_run_states(v_results, v_all_succeeded) as n
        where r.id = n.run_id and r.lease_number = (n.result).lease_number and r.status = 'EXECUTING'
        returning
            r.id, n.result, r.status, r.lease_number, r.duration_ms, r.dispatcher, n.claimed_at, n.concurrency_limit_ids
    ),
    ended as (
        delete from perdure.leases as l where l.run_id = any(array(select m.id from moved as m))
    ),
    -- The row of a run tells as much of a success at its first try, unless there is a message, or what the platform
    -- requested for a task counts into the run's duration, too.
    recorded as (
        insert into perdure.executions (
            run_id, lease_number, dispatcher, claimed_at, ended_at, duration_ms, verdict, reply_status, http_status,
            message
        )
        select
            m.id, m.lease_number, m.dispatcher, m.claimed_at, v_now, coalesce((m.result).duration_ms, 0),
            (m.result).verdict, (m.result).reply_status, (m.result).http_status, (m.result).message
        from moved as m
        where
            m.claimed_at is not null
            and not (
                m.status = 'SUCCESS' and m.lease_number = 1 and (m.result).message is null
                and m.duration_ms = coalesce((m.result).duration_ms, 0)
            )
    )
    select
        array_agg(row(
            m.id, (m.result).lease_number, (m.result).verdict, (m.result).duration_ms, (m.result).http_status,
            (m.result).message, (m.result).reply, (m.result).reply_status, m.status, null
        )::perdure.execution_result order by m.id),
        array_agg(m.id order by m.id),
        string_agg(array_to_string(m.concurrency_limit_ids, ','), ',')
    into v_applied, v_applied_ids, v_limit_ids
    from moved as m;

    if v_applied is not null then
        if not v_all_succeeded then
            insert into perdure.dead_letters (run_id, environment_id, reason, created_at)
            select r.id, r.environment_id, coalesce(r.output ->> 'message', a.verdict), v_now
            from unnest(v_applied) as a
            inner join perdure.runs as r on r.id = a.run_id
            where a.run_status = 'FAILURE' and a.verdict in ('UNREACHABLE', 'LEASE_EXPIRED')
            on conflict (run_id) do update set reason = excluded.reason, created_at = excluded.created_at;
            perform perdure._learn_execution_limits(v_applied);
        end if;
        if position('Subscription"' in v_documents::text) > 0 then  -- hardly ever
            perform perdure._subscribe_endpoints(v_documents, v_applied);
        end if;
        if not v_all_succeeded or position('"task' in v_documents::text) > 0 then
            v_ready_ids := perdure._apply_replies(v_applied);
        end if;
        if v_all_succeeded then
            perform perdure._close_runs(v_applied_ids);
        else
            perform perdure._close_runs(array(
                select a.run_id from unnest(v_applied) as a where perdure._is_final(a.run_status)
            ));
            perform perdure._record_failures(array(
                select a.run_id from unnest(v_applied) as a
                where perdure._is_final(a.run_status) and a.run_status <> 'SUCCESS'
            ));
        end if;
        if v_ready_ids is not null then
            perform perdure._enqueue_runs(v_ready_ids);
        end if;
        if v_limit_ids is not null then
            perform perdure._unblock_runs(array(
                select distinct i.id::uuid from unnest(string_to_array(v_limit_ids, ',')) as i (id)
            ));
        end if;
    end if;

    if v_all_succeeded and cardinality(v_applied_ids) = cardinality(v_results) then
        return query select u.run_id, 'SUCCESS' from unnest(v_results) as u;
        return;
    end if;
    return query
    select
        u.run_id,
        case
            when u.run_id = any(v_applied_ids) and u.lease_number = r.lease_number then r.status
            when r.completed_at is not null then 'DROPPED'
            else 'LEASE_LOST'
        end
    from unnest(v_results) with ordinality as u
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
