-- _settle_own_callbacks: what is to be sent to the callback URL of a task of ours, or to its address, needs no HTTP:
-- the task is completed with it, at once.
-- Arguments  p_ids  deliveries that are due, locked by the caller.
-- Locks      the tasks' runs, in id order, then the tasks.
-- Called by  claim_deliveries.
create or replace function perdure._settle_own_callbacks(p_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_ids uuid[];
    v_task_ids uuid[];
    v_outputs json[];
    v_events perdure.deliveries[];  -- for tasks that wait for an event, of which it may end one a run
begin
    select array_agg(c.id), array_agg(c.task_id), array_agg(c.request)
    into v_ids, v_task_ids, v_outputs
    from (
        select d.id, perdure._own_callback(d.url) as task_id, d.request
        from perdure.deliveries as d
        where d.id = any(p_ids) and d.kind in ('EVENT', 'RUN_WEBHOOK')
        order by d.due_at, d.id
    ) as c
    where c.task_id is not null;
    if v_ids is null then
        return;
    end if;

    perform perdure._lock_runs_of(v_task_ids);
    select array_agg(d order by d.due_at, d.id) into v_events
    from perdure.deliveries as d
    where d.id = any(v_ids) and d.kind = 'EVENT' and d.url = perdure._task_address(perdure._own_callback(d.url));
    if v_events is null then
        perform perdure._complete_callbacks(v_task_ids, v_outputs);
    else
        perform perdure._give_events(v_events);
        select array_agg(c.task_id order by c.ordinality), array_agg(c.output order by c.ordinality)
        into v_task_ids, v_outputs
        from rows from (unnest(v_ids), unnest(v_task_ids), unnest(v_outputs)) with ordinality
            as c (id, task_id, output, ordinality)
        where not exists (select 1 from unnest(v_events) as e where e.id = c.id);
        perform perdure._complete_callbacks(v_task_ids, v_outputs);
    end if;
    perform perdure._settle_delivery(d, '{"verdict": "REPLY", "httpStatus": 200}')
    from perdure.deliveries as d
    where d.id = any(v_ids);
end;
$$;
comment on function perdure._settle_own_callbacks(uuid[]) is 'Complete tasks of ours with what would be sent to them.';
