-- _explain_ready_run: why a run is not executed that could be: a pause, a concurrency limit, those before it, or nobody
-- who takes it.
-- Arguments  p_run  QUEUED or WAITING_TO_EXECUTE, not due later.
-- Returns    as explain_wait.
-- Called by  explain_wait.
create or replace function perdure._explain_ready_run(p_run perdure.runs)
returns json
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_patience constant interval := interval '15 seconds';  -- a run that is ready so long has not been overlooked
    v_pause record;
    v_limit record;
    v_endpoint perdure.endpoints;
    v_place integer;
    v_in_flight integer;
begin
    select z.paused_at, z.paused_by, z.reason, z.scope, coalesce(z.job, z.queue) as name into v_pause
    from perdure.pauses as p
    inner join perdure.job_versions as v
        on v.id = p_run.job_version_id
        and perdure._stops(p, p_run.environment_id, p_run.job_id, v.concurrency_limit_id)
    inner join perdure_views.pauses as z on z.id = p.id
    order by p.paused_at, p.id
    limit 1;
    if found then
        return perdure._explanation(
            'PAUSED',
            format(
                '%s is paused%s%s.',
                case v_pause.scope
                    when 'JOB' then 'Its job'
                    when 'QUEUE' then format('Its queue "%s"', v_pause.name)
                    when 'ENVIRONMENT' then 'Its environment'
                    else 'Everything'
                end,
                ' by ' || v_pause.paused_by, ': ' || v_pause.reason
            ),
            v_pause.paused_at, null,
            json_build_object(
                'scope', v_pause.scope, 'name', v_pause.name, 'pausedBy', v_pause.paused_by, 'why', v_pause.reason
            )
        );
    end if;

    select
        c.id, c.kind, c.name, c.max_executions,
        (select count(*)::integer from perdure.leases as l where c.id = any(l.concurrency_limit_ids)) as used,
        array(
            select l.run_id
            from perdure.leases as l
            where c.id = any(l.concurrency_limit_ids)
            order by l.claimed_at
            limit 10
        ) as holders,
        (
            select count(*)::integer
            from (
                select 1
                from perdure.blocked_runs as a
                where
                    a.concurrency_limit_id = b.concurrency_limit_id
                    and (a.resumed > b.resumed or (a.resumed = b.resumed and a.run_id < b.run_id))
                limit 10000
            ) as o
        ) as ahead
    into v_limit
    from perdure.blocked_runs as b
    inner join perdure.concurrency_limits as c on c.id = b.concurrency_limit_id
    where b.run_id = p_run.id;
    if found then
        return perdure._explanation(
            'LIMIT',
            format(
                '%s may have %s at once, and %s under way; %s before this one.',
                case v_limit.kind
                    when 'JOB' then 'Its job'
                    when 'GROUP' then format('Its queue "%s"', v_limit.name)
                    else 'Its environment'
                end,
                perdure._counted(v_limit.max_executions, 'execution'),
                case when v_limit.used = 1 then '1 is' else v_limit.used || ' are' end,
                case v_limit.ahead
                    when 0 then 'no run waits'
                    when 1 then '1 run waits'
                    when 10000 then 'at least 10000 runs wait'
                    else v_limit.ahead || ' runs wait'
                end
            ),
            p_run.updated_at, null,
            json_build_object(
                'limit', v_limit.kind, 'name', v_limit.name, 'maxExecutions', v_limit.max_executions,
                'used', v_limit.used, 'heldBy', v_limit.holders, 'ahead', v_limit.ahead
            )
        );
    end if;

    select p.* into strict v_endpoint from perdure.endpoints as p where p.id = p_run.endpoint_id;
    v_place := perdure._queue_place(p_run.id, v_endpoint.id, v_endpoint.connected);
    v_in_flight := (
        select count(*)
        from perdure.leases as l
        where
            l.expires_at > perdure.clock()
            and (
                not v_endpoint.connected
                or exists (select 1 from perdure.runs as r where r.id = l.run_id and r.endpoint_id = v_endpoint.id)
            )
    );
    if v_endpoint.connected and v_in_flight = 0 and p_run.updated_at < perdure.clock() - v_patience then
        return perdure._explanation(
            'NOT_CONNECTED',
            format('Its app "%s" is reached by a connection that it opens, and fetches nothing: is it running?', v_endpoint.slug),
            p_run.updated_at, null, json_build_object('app', v_endpoint.slug, 'place', v_place)
        );
    end if;
    if v_in_flight = 0 and p_run.updated_at < perdure.clock() - v_patience then
        return perdure._explanation(
            'NO_DISPATCHER', 'It is ready, and no dispatcher takes it: is one running?', p_run.updated_at, null,
            json_build_object('place', v_place)
        );
    end if;
    return perdure._explanation(
        'QUEUED',
        case
            when v_place is null then 'It is in the queue, behind many others.'
            when v_place = 1 then 'It is the next in the queue.'
            else format('It is in the queue, behind %s.', perdure._counted(v_place - 1, 'other run'))
        end,
        p_run.updated_at, null, json_build_object('place', v_place, 'inFlight', v_in_flight)
    );
end;
$$;
comment on function perdure._explain_ready_run(perdure.runs) is 'Why a run is not executed that could be.';
