-- _give_events: events have come for tasks that wait for them: each ends its task, unless it has ended another wait of
-- the same run: then the task goes on waiting.
-- Arguments  p_deliveries  of kind EVENT, to addresses of tasks whose runs are locked by the caller.
-- Locks      the tasks.
-- Called by  _settle_own_callbacks.
create or replace function perdure._give_events(p_deliveries perdure.deliveries[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_ended_ids uuid[];
    v_waiting_ids uuid[];
begin
    with given as (
        insert into perdure.taken_events (run_id, event_id, task_id)
        select distinct on (t.id) t.run_id, e.id, t.id
        from unnest(p_deliveries) with ordinality as d
        inner join perdure.tasks as t on t.id = perdure._own_callback(d.url) and t.status = 'WAITING'
        inner join perdure.events as e
            on e.environment_id = d.environment_id and e.event_id = perdure._shield(d.request) ->> 'id'
        order by t.id, d.ordinality
        on conflict (run_id, event_id) do nothing
        returning taken_events.task_id, taken_events.event_id
    ),
    ended as (
        update perdure.tasks as t
        set
            status = 'COMPLETED', output = perdure._ephemeral_event_json(e), completed_at = v_now, due_at = null,
            updated_at = v_now
        from given as g
        inner join perdure.events as e on e.id = g.event_id
        where t.id = g.task_id
        returning t.id
    )
    select array_agg(n.id order by n.id) into v_ended_ids from ended as n;

    -- The others are to be found by events again, and may have missed some.
    update perdure.event_dispatchers as d
    set enabled = true
    from unnest(p_deliveries) as i
    inner join perdure.tasks as t on t.id = perdure._own_callback(i.url) and t.status = 'WAITING'
    where d.id = i.subject_id;
    v_waiting_ids := array(
        select t.id
        from unnest(p_deliveries) as i
        inner join perdure.tasks as t on t.id = perdure._own_callback(i.url) and t.status = 'WAITING'
        order by t.id
    );
    v_ended_ids := v_ended_ids || perdure._take_events(v_waiting_ids);
    perform perdure._look_up_later(v_waiting_ids);
    perform perdure._wake_runs(v_ended_ids);
end;
$$;
comment on function perdure._give_events(perdure.deliveries[]) is 'Events have come for tasks that wait for them.';
