-- _complete_callbacks: tasks that waited for a call have got it: its body is their output. One that waits no longer
-- is left as it is: a call that is late, or comes twice, changes nothing.
-- Arguments  p_task_ids, p_outputs  as many of the one as of the other; null: nothing to do.
-- Locks      the tasks' runs, in id order, then the tasks.
-- Called by  complete_callback, _settle_own_callbacks.
create or replace function perdure._complete_callbacks(p_task_ids uuid[], p_outputs json[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_ended_ids uuid[];
begin
    perform perdure._lock_runs_of(p_task_ids);
    with ended as (
        update perdure.tasks as t
        set status = 'COMPLETED', output = c.output, completed_at = v_now, due_at = null, updated_at = v_now
        from (
            select distinct on (i.task_id) i.task_id, i.output
            from unnest(p_task_ids, p_outputs) with ordinality as i (task_id, output, ordinal)
            order by i.task_id, i.ordinal
        ) as c
        where t.id = c.task_id and t.status = 'WAITING'
        returning t.id
    )
    select array_agg(e.id) into v_ended_ids from ended as e;
    perform 1 from perdure._wake_runs(v_ended_ids);
end;
$$;
comment on function perdure._complete_callbacks(uuid[], json[]) is 'Tasks that waited for a call have got it.';
