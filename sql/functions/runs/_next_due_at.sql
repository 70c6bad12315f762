-- _next_due_at: when the next thing is due: a wait, a backoff, the end of a run's time, an event, a delivery, a
-- schedule, the end of a lease or of an ephemeral subscription, a look for events that waits may have missed.
-- Null: nothing is scheduled.
create or replace function perdure._next_due_at()
returns timestamptz
language sql stable
begin atomic
    select least(
        (select t.due_at from perdure.tasks as t where t.due_at is not null order by t.due_at limit 1),
        (select r.due_at from perdure.runs as r where r.due_at is not null order by r.due_at limit 1),
        (select r.timeout_at from perdure.runs as r where r.timeout_at is not null order by r.timeout_at limit 1),
        (select e.due_at from perdure.events as e where e.due_at is not null order by e.due_at limit 1),
        (select d.due_at from perdure.deliveries as d where d.due_at is not null order by d.due_at limit 1),
        (select s.due_at from perdure.schedules as s where s.due_at is not null order by s.due_at limit 1),
        (
            select d.expires_at
            from perdure.event_dispatchers as d
            where d.expires_at is not null
            order by d.expires_at
            limit 1
        ),
        (select w.due_at from perdure.event_look_ups as w order by w.due_at limit 1),
        (select min(l.expires_at) from perdure.leases as l)
    );
end;
comment on function perdure._next_due_at() is 'When the next thing is due.';
