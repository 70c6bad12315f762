-- doctor: rows that break the rule that nothing waits for ever: every run that is not final is queued,
-- leased, or has a due time or an open task that will wake it. An empty answer is health.
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

    union all
    select
        'run waits for nothing', r.id::text, format('WAITING_TO_CONTINUE since %s, no task will wake it', r.updated_at),
        format('select perdure.requeue_run(%L)', r.id)
    from perdure.runs as r
    where
        r.status = 'WAITING_TO_CONTINUE'
        and not exists (
            select 1 from perdure.tasks as t
            where t.run_id = r.id and (t.due_at is not null or (t.status = 'RUNNING' and t.operation is not null))
        )

    union all
    select
        'lease without an executing run', l.run_id::text,
        format('dispatcher %s, lease %s', l.dispatcher, l.lease_number),
        format('delete from perdure.leases where run_id = %L', l.run_id)
    from perdure.leases as l
    where not exists (
        select 1 from perdure.runs as r
        where r.id = l.run_id and r.status = 'EXECUTING' and r.lease_number = l.lease_number
    )

    union all
    select
        'lease expired long ago', l.run_id::text,
        format('dispatcher %s, expired at %s; is a dispatcher running?', l.dispatcher, l.expires_at),
        'select * from perdure.promote_due()'
    from perdure.leases as l
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
        select 'event', e.id, e.due_at
        from perdure.events as e
        where e.due_at < perdure.clock() - interval '5 minutes'
    ) as o

    union all
    select
        'source delivery is overdue', d.id::text, format('was due at %s; is a dispatcher running?', d.due_at),
        format('-- start a dispatcher; attempts so far: %s', d.attempt_count)
    from perdure.source_deliveries as d
    where d.due_at < perdure.clock() - interval '5 minutes';
end;
$$;
comment on function perdure.doctor() is 'Rows that would wait for ever, with the fix.';
