-- _send_to_dispatchers: an ephemeral subscription takes the first event that matches it, once: the event is to be sent
-- to its URL, and it is switched off. That of a task which another transaction holds just now is not waited for, since
-- that may take long: should nothing come of it, the task finds this event when stored ones are looked through.
-- Arguments  p_event_ids, p_dispatcher_ids  pairs of events.id and event_dispatchers.id, in the order of events.
-- Locks      the subscriptions, in id order; those of tasks skip locked.
-- Called by  _deliver_to_subscriptions.
create or replace function perdure._send_to_dispatchers(p_event_ids uuid[], p_dispatcher_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
begin
    with locked as (
        select d.id
        from perdure.event_dispatchers as d
        where d.id = any(p_dispatcher_ids) and d.enabled and not starts_with(d.url, 'perdure:')
        order by d.id
        for update
    ),
    free as (
        select d.id
        from perdure.event_dispatchers as d
        where d.id = any(p_dispatcher_ids) and d.enabled and starts_with(d.url, 'perdure:')
        order by d.id
        for update skip locked
    ),
    taken as (
        update perdure.event_dispatchers as d
        set enabled = false
        from (select x.id from locked as x union all select x.id from free as x) as l
        where d.id = l.id and d.enabled
        returning d.id, d.environment_id, d.url
    )
    insert into perdure.deliveries (
        id, environment_id, kind, subject_id, url, status, request, due_at, created_at
    )
    select
        perdure.new_id(), t.environment_id, 'EVENT', t.id, t.url, 'PENDING', perdure._ephemeral_event_json(e), v_now,
        v_now
    from taken as t
    cross join lateral (
        select x.*
        from unnest(p_event_ids, p_dispatcher_ids) with ordinality as p (event_id, dispatcher_id, ordinal)
        inner join perdure.events as x on x.id = p.event_id
        where p.dispatcher_id = t.id
        order by p.ordinal
        limit 1
    ) as e;
    if found then
        perform perdure._notify_dispatchers('deliveries');
    end if;
    perform perdure._look_up_later(array(
        select perdure._own_callback(d.url)
        from perdure.event_dispatchers as d
        where d.id = any(p_dispatcher_ids) and d.enabled and starts_with(d.url, 'perdure:')
    ));
end;
$$;
comment on function perdure._send_to_dispatchers(uuid[], uuid[])
is 'Send events to the ephemeral subscriptions they match.';
