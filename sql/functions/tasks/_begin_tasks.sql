-- _begin_tasks: see to what follows from tasks that were created, or have changed: dispatchers are told of what is due
-- soon, operations and effects begin.
-- Arguments  p_calls  parsed, in their order; p_task_ids  the tasks.
-- Locks      as _begin_effects.
-- Called by  _store_tasks.
create or replace function perdure._begin_tasks(p_calls perdure.task_call[], p_task_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_due_at timestamptz;
    v_operation_ids uuid[];
    v_effect_ids uuid[];
begin
    select
        min(t.due_at),
        array_agg(t.id order by t.id) filter (where t.operation is not null and t.status = 'RUNNING'),
        array_agg(t.id) filter (where t.effect is not null and t.status = 'RUNNING')
    into v_due_at, v_operation_ids, v_effect_ids
    from perdure.tasks as t
    where t.id = any(p_task_ids);
    perform perdure._notify_of_due(v_due_at);
    if v_operation_ids is not null then
        perform perdure._begin_operations(v_operation_ids);
    end if;
    if v_effect_ids is not null then
        perform perdure._begin_effects(p_calls, v_effect_ids);
    end if;
end;
$$;
comment on function perdure._begin_tasks(perdure.task_call[], uuid[]) is 'See to what follows from tasks.';
