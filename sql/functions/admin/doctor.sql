-- doctor: rows that break the rule that nothing waits for ever: every run that is not final is queued,
-- leased, kept back by a limit that is reached or by a pause, or waits for something that will
-- come: a due time, a callback, the platform's own request, a connection. And what is noted to be at hand, but is not
-- as it should be. An empty answer is health.
-- Returns    a row for each problem: what is wrong, the row's id, details for people, SQL (run as the owner)
--            that mends it.
-- Called by  people, `perdure doctor`, tests. Reads all open runs and the queue: not for a hot path.
create or replace function perdure.doctor()
returns table (problem text, subject text, detail text, fix text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    with queued as materialized (
        select q.run_id from perdure._queued_run_ids() as q (run_id)
    )
    select
        'run is executing without a lease', r.id::text,
        format('lease number %s, since %s', r.lease_number, r.updated_at),
        format('select perdure.requeue_run(%L)', r.id)
    from perdure.runs as r
    where r.status = 'EXECUTING' and not exists (select 1 from perdure.leases as l where l.run_id = r.id)

    union all
    select
        'run is ready but not queued', r.id::text, format('%s since %s', r.status, r.updated_at),
        format('select perdure.requeue_run(%L)', r.id)
    from perdure.runs as r
    where
        r.status in ('QUEUED', 'WAITING_TO_EXECUTE') and r.due_at is null
        and not exists (select 1 from queued as q where q.run_id = r.id)
        and not exists (select 1 from perdure.blocked_runs as b where b.run_id = r.id)

    union all
    select
        'run is kept back by a limit that is not reached', b.run_id::text,
        format('%s executions of %s under limit %s', u.used, c.max_executions, c.id),
        format('select perdure.requeue_run(%L)', b.run_id)
    from perdure.blocked_runs as b
    inner join perdure.concurrency_limits as c on c.id = b.concurrency_limit_id
    cross join lateral (
        select count(*) as used from perdure.leases as l where c.id = any(l.concurrency_limit_ids)
    ) as u
    where
        u.used < c.max_executions
        -- A run that was let go in its place may be about to be claimed.
        and not exists (
            select 1
            from queued as q
            inner join perdure._limits_of_runs(array(select x.run_id from queued as x)) as l on l.run_id = q.run_id
            where c.id = any(l.limit_ids)
        )

    union all
    select
        'run is kept back by a pause that is over', b.run_id::text, format('pause %s', b.pause_id),
        format('select perdure.requeue_run(%L)', b.run_id)
    from perdure.blocked_runs as b
    where b.pause_id is not null and not exists (select 1 from perdure.pauses as z where z.id = b.pause_id)

    union all
    select
        'run is never prepared', r.id::text, format('PENDING since %s, nobody is asked', r.updated_at),
        format('select perdure._release_runs(array[%L::uuid])', r.id)
    from perdure.runs as r
    where
        r.status = 'PENDING'
        and not exists (
            select 1 from perdure.deliveries as d
            where d.subject_id = r.id and d.kind = 'PREPROCESS' and d.due_at is not null
        )

    union all
    select
        'run waits for a connection that is not missing', r.id::text, format('since %s', r.updated_at),
        format('select perdure._release_runs(array[%L::uuid])', r.id)
    from perdure.runs as r
    where
        r.status = 'WAITING_ON_CONNECTIONS'
        and not exists (
            select 1
            from perdure.missing_connection_runs as n
            inner join perdure.missing_connections as m on m.id = n.missing_connection_id
            where n.run_id = r.id and m.resolved_at is null
        )

    union all
    select
        'run waits for nothing', r.id::text, format('WAITING_TO_CONTINUE since %s, no task will wake it', r.updated_at),
        format('select perdure.requeue_run(%L)', r.id)
    from perdure.runs as r
    where
        r.status = 'WAITING_TO_CONTINUE'
        and not exists (
            select 1 from perdure.tasks as t
            where
                t.run_id = r.id
                and (
                    t.due_at is not null
                    or (t.status = 'WAITING' and (t.callback_url is not null or t.effect is not null))
                    or (t.status = 'RUNNING' and t.operation is not null)
                )
        )

    union all
    select
        'operation is not performed', t.id::text, format('%s of run %s, nothing is to be sent', t.operation, t.run_id),
        format('select perdure._begin_operations(array[%L::uuid])', t.id)
    from perdure.tasks as t
    where
        t.operation is not null and t.status = 'RUNNING'
        and not exists (
            select 1 from perdure.deliveries as d where d.subject_id = t.id and d.due_at is not null
        )

    union all
    select
        'lease without an executing run', l.run_id::text,
        format('lease %s, claimed at %s', l.lease_number, l.claimed_at),
        format('delete from perdure.leases where run_id = %L', l.run_id)
    from perdure.leases as l
    where not exists (
        select 1 from perdure.runs as r
        where r.id = l.run_id and r.status = 'EXECUTING' and r.lease_number = l.lease_number
    )

    union all
    select
        'lease expired long ago', l.run_id::text,
        format('dispatcher %s, expired at %s; is a dispatcher running?', r.dispatcher, l.expires_at),
        'select * from perdure.promote_due()'
    from perdure.leases as l
    left join perdure.runs as r on r.id = l.run_id
    where l.expires_at < perdure.clock() - interval '5 minutes'

    union all
    select
        'task is open in a run that has ended', t.id::text,
        format('%s in run %s, which is %s', t.status, r.id, r.status),
        format('select perdure._close_runs(array[%L::uuid])', r.id)
    from perdure.tasks as t
    inner join perdure.runs as r on r.id = t.run_id
    where t.status in ('PENDING', 'WAITING', 'RUNNING') and r.completed_at is not null

    union all
    select
        'schedule does not fire', s.id::text, format('%s is active since %s, nothing is due', s.key, s.updated_at),
        format('select perdure.set_schedules_enabled(%L, true)', s.environment_id)
    from perdure.schedules as s
    inner join perdure.environments as e on e.id = s.environment_id
    where s.active and s.due_at is null and s.paused_at is null and e.schedules_enabled

    union all
    select
        'schedule was switched off', s.id::text, format('%s: %s', s.key, s.problem),
        '-- correct the schedule in the app, and read the app again or register the schedule again'
    from perdure.schedules as s
    where s.problem is not null

    union all
    select
        'due long ago', o.id::text, format('%s was due at %s; is a dispatcher running?', o.kind, o.due_at),
        'select * from perdure.promote_due()'
    from (
        select 'task' as kind, t.id, t.due_at
        from perdure.tasks as t
        where t.due_at < perdure.clock() - interval '5 minutes'
        union all
        select 'run', r.id, r.due_at
        from perdure.runs as r
        where r.due_at < perdure.clock() - interval '5 minutes'
        union all
        select 'end of a run', r.id, r.timeout_at
        from perdure.runs as r
        where r.timeout_at < perdure.clock() - interval '5 minutes'
        union all
        select 'event', e.id, e.due_at
        from perdure.events as e
        where e.due_at < perdure.clock() - interval '5 minutes'
        union all
        select 'schedule', s.id, s.due_at
        from perdure.schedules as s
        where s.due_at < perdure.clock() - interval '5 minutes'
        union all
        select 'wait for an event', w.task_id, w.due_at
        from perdure.event_look_ups as w
        where w.due_at < perdure.clock() - interval '5 minutes'
    ) as o

    union all
    select
        'subscription starts runs as before a change', s.event_dispatcher_id::text, format('to %s', s.event_name),
        format('select perdure._refresh_plain_starts(%L)', s.environment_id)
    from perdure._plain_starts(null) as s
    where s.noted is distinct from s.plain_start

    union all
    select
        'delivery is overdue', d.id::text,
        format(
            'was due at %s; is %s?', d.due_at,
            case when d.connected then 'the app connected' else 'a dispatcher running' end
        ),
        format(
            '-- start %s; attempts so far: %s',
            case when d.connected then 'the app' else 'a dispatcher' end, d.attempt_count
        )
    from perdure.deliveries as d
    where d.due_at < perdure.clock() - interval '5 minutes';
end;
$$;
comment on function perdure.doctor() is 'Rows that would wait for ever, with the fix.';
