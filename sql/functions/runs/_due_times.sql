-- _due_times: of each kind of thing that comes about by time, when the first is due; null: nothing of the kind is
-- scheduled.
-- Returns    one row: of waits; of backoffs; of the ends of runs' time; of delayed events; of deliveries; of schedules;
--            of the ends of ephemeral subscriptions; of looks for events that waits may have missed; of leases' ends;
--            of steps of bulk actions; of all of these.
-- Called by  promote_due.
create or replace function perdure._due_times()
returns table (
    waits timestamptz, backoffs timestamptz, time_limits timestamptz, events timestamptz, deliveries timestamptz,
    schedules timestamptz, subscriptions timestamptz, look_ups timestamptz, leases timestamptz,
    bulk_actions timestamptz, first timestamptz
)
language sql stable rows 1
begin atomic
    -- Materialized: looked up once each, though said twice.
    with k (
        waits, backoffs, time_limits, events, deliveries, schedules, subscriptions, look_ups, leases, bulk_actions
    ) as materialized (
        select
            (select t.due_at from perdure.tasks as t where t.due_at is not null order by t.due_at limit 1),
            (select r.due_at from perdure.runs as r where r.due_at is not null order by r.due_at limit 1),
            (select r.timeout_at from perdure.runs as r where r.timeout_at is not null order by r.timeout_at limit 1),
            (select e.due_at from perdure.events as e where e.due_at is not null order by e.due_at limit 1),
            (
                select d.due_at
                from perdure.deliveries as d
                where d.due_at is not null and not d.connected
                order by d.due_at
                limit 1
            ),
            (select s.due_at from perdure.schedules as s where s.due_at is not null order by s.due_at limit 1),
            (
                select d.expires_at
                from perdure.event_dispatchers as d
                where d.expires_at is not null
                order by d.expires_at
                limit 1
            ),
            (select w.due_at from perdure.event_look_ups as w order by w.due_at limit 1),
            (select min(l.expires_at) from perdure.leases as l),
            (select b.due_at from perdure.bulk_actions as b where b.due_at is not null order by b.due_at limit 1)
    )

    select
        k.*,
        least(
            k.waits, k.backoffs, k.time_limits, k.events, k.deliveries, k.schedules, k.subscriptions, k.look_ups,
            k.leases, k.bulk_actions
        )
    from k;
end;
comment on function perdure._due_times() is 'When the first thing of each kind is due.';
