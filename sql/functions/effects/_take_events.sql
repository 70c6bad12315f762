-- _take_events: end waits with events that are stored: delivered since the run was created, not the one that started
-- it, and not taken by another wait of the run; the oldest first.
-- Arguments  p_task_ids  tasks that wait for an event; others are passed over. Their runs are locked by the caller.
-- Returns    the tasks that have ended, for _wake_runs; empty: none.
-- Called by  _effect_wait_for_event, _give_events, _look_up_events.
create or replace function perdure._take_events(p_task_ids uuid[])
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_wait record;
    v_event perdure.events;
    v_ended_ids uuid[] := '{}'::uuid[];
begin
    for v_wait in
        select
            t.id, t.run_id, r.created_at as since, r.event_id as own_event_id, d.environment_id, d.event_names, d.source,
            d.payload_filter, d.context_filter, d.external_account_id
        from perdure.tasks as t
        inner join perdure.runs as r on r.id = t.run_id
        inner join perdure.event_dispatchers as d
            on d.environment_id = r.environment_id and d.url = perdure._task_address(t.id)
        where t.id = any(p_task_ids) and t.status = 'WAITING'
        order by t.id
    loop
        select e.* into v_event
        from unnest(v_wait.event_names) as n (name)
        cross join lateral (
            select x.*
            from perdure.events as x
            where
                x.environment_id = v_wait.environment_id
                and x.name = n.name
                and x.delivered_at >= v_wait.since
                and x.source = v_wait.source
                and x.id <> v_wait.own_event_id
                and (v_wait.external_account_id is null or x.external_account_id = v_wait.external_account_id)
                and not exists (
                    select 1 from perdure.taken_events as k where k.run_id = v_wait.run_id and k.event_id = x.id
                )
                and (
                    (v_wait.payload_filter is null and v_wait.context_filter is null)
                    or perdure._passes_filters(
                        x.payload_type, perdure._to_jsonb(x.payload), perdure._to_jsonb(x.context),
                        v_wait.payload_filter, v_wait.context_filter
                    )
                )
            order by x.delivered_at, x.id
            limit 1
        ) as e
        order by e.delivered_at, e.id
        limit 1;
        if found then
            insert into perdure.taken_events (run_id, event_id, task_id) values (v_wait.run_id, v_event.id, v_wait.id);
            update perdure.tasks as t
            set
                status = 'COMPLETED', output = perdure._ephemeral_event_json(v_event), completed_at = perdure.clock(),
                due_at = null, updated_at = perdure.clock()
            where t.id = v_wait.id;
            v_ended_ids := v_ended_ids || v_wait.id;
        end if;
    end loop;
    perform perdure._forget_event_waits(v_ended_ids);
    return v_ended_ids;
end;
$$;
comment on function perdure._take_events(uuid[]) is 'End waits with events that are stored.';
