-- apply_results: hand in what became of executions; move their runs. The one place where an execution changes
-- a run. A result counts only while its lease does: the run is EXECUTING under that lease number. Anything
-- else is late and changes nothing.
-- Arguments  p_results  JSON array of {runId, leaseNumber, verdict, durationMs, httpStatus?, message?,
--            reply?, metadata?}; verdict as in _run_status_after; reply: what the endpoint answered, for REPLY;
--            metadata: {successSubscription?, failedSubscription?}: the app wants to be told how the run ends;
--            p_minimal  nobody wants to be told that all runs have succeeded: no rows then.
-- Returns    a row for each result: the run's new status; DROPPED: the run has ended (cancelled); LEASE_LOST:
--            it was claimed again or given up, or there is no such run.
-- Errors     none for a reply that cannot be applied, say a retryAt that is no instant: it counts as MALFORMED
--            and fails its run alone. Anything else malformed as Postgres reports it; then nothing is done.
-- Locks      runs in id order, then their tasks; concurrency limits; the endpoint of one that ran into its host's
--            limit.
-- Called by  the dispatcher; promote_due, for leases that expired.
create or replace function perdure.apply_results(p_results json, p_minimal boolean default false)
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
    v_is_plain boolean;  -- all succeeded, and there is nothing else in what their apps answered, as mostly
    v_ready_ids uuid[];
    v_limit_ids uuid[];  -- of the limits that the executions counted against
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

    v_is_plain := v_all_succeeded and position('"task' in v_documents::text) = 0
        and position('Subscription"' in v_documents::text) = 0;

    -- Rows are locked in id order, so that two batches cannot wait for each other. _move_runs goes in that order, but
    -- what becomes of a run that did not succeed is made of the run as it is, which nobody may change meanwhile.
    if not v_all_succeeded then
        perform 1
        from perdure.runs as r
        where r.id = any(array(select u.run_id from unnest(v_results) as u))
        order by r.id
        for update;
    end if;
    select m.applied, m.applied_ids, m.concurrency_limit_ids
    into v_applied, v_applied_ids, v_limit_ids
    from perdure._move_runs(v_results, v_all_succeeded, v_is_plain) as m;

    if v_applied_ids is not null then
        if not v_all_succeeded then
            insert into perdure.dead_letters (run_id, environment_id, reason, created_at)
            select r.id, r.environment_id, coalesce(r.output ->> 'message', a.verdict), v_now
            from unnest(v_applied) as a
            inner join perdure.runs as r on r.id = a.run_id
            where a.run_status = 'FAILURE' and a.verdict in ('UNREACHABLE', 'LEASE_EXPIRED')
            on conflict (run_id) do update set reason = excluded.reason, created_at = excluded.created_at;
            perform perdure._learn_execution_limits(v_applied);
        end if;
        if not v_is_plain then
            if position('Subscription"' in v_documents::text) > 0 then  -- hardly ever
                perform perdure._subscribe_endpoints(v_documents, v_applied);
            end if;
            if not v_all_succeeded or position('"task' in v_documents::text) > 0 then
                v_ready_ids := perdure._apply_replies(v_applied);
            end if;
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
            perform perdure._unblock_runs(v_limit_ids);
        end if;
    end if;

    if v_all_succeeded and cardinality(v_applied_ids) = cardinality(v_results) then
        if not p_minimal then
            return query select u.run_id, 'SUCCESS' from unnest(v_results) as u;
        end if;
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
comment on function perdure.apply_results(json, boolean)
is 'Hand in what became of executions; move their runs.';
