-- _settle_own_callbacks: what is to be sent to the callback URL of a task of ours needs no HTTP: the task is completed
-- with it, at once.
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

    perform perdure._complete_callbacks(v_task_ids, v_outputs);
    perform perdure._settle_delivery(d, '{"verdict": "REPLY", "httpStatus": 200}')
    from perdure.deliveries as d
    where d.id = any(v_ids);
end;
$$;
comment on function perdure._settle_own_callbacks(uuid[]) is 'Complete tasks of ours with what would be sent to them.';
