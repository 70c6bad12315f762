-- _take_over_tasks: give a run that does another one again, from one task on, what had ended before that task: copies
-- in the same order, with the keys by which the new run's code finds them. Their tries and callbacks stay behind.
-- Arguments  p_new_run_id  created in this transaction, without tasks; p_task_id  a task of p_run_id.
-- Errors     JQ002 wrong_state: the key of one of them is not known.
-- Called by  rerun_from_task.
create or replace function perdure._take_over_tasks(p_run_id uuid, p_new_run_id uuid, p_task_id uuid)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_ticks constant bigint := perdure._id_now();
    v_tail constant text := perdure._id_tail();
begin
    with recursive
    old as materialized (
        select t as task, b.is_kept, perdure._id_at(v_ticks + row_number() over (order by t.id), v_tail) as new_id
        from perdure._tasks_before(p_run_id, p_task_id) as b
        inner join perdure.tasks as t on t.id = b.id
    ),
    moved as (
        select
            o.task, o.is_kept, o.new_id, null::uuid as new_parent_id,
            perdure._new_task_key(o.task, null, p_new_run_id, null, null) collate "C" as new_key
        from old as o
        where (o.task).parent_id is null
        union all
        select
            o.task, o.is_kept, o.new_id, m.new_id,
            perdure._new_task_key(o.task, (m.task).idempotency_key, p_new_run_id, m.new_id, m.new_key) collate "C"
        from moved as m
        inner join old as o on (o.task).parent_id = (m.task).id
    )
    insert into perdure.tasks (
        id, run_id, idempotency_key, display_key, parent_id, status, noop, name, icon, description, params, properties,
        output_properties, style, connection_key, redact, operation, effect, child_execution_mode, attempt_count, output,
        started_at, completed_at, created_at, updated_at
    )
    select
        m.new_id, p_new_run_id, m.new_key, (m.task).display_key, m.new_parent_id,
        case when m.is_kept then (m.task).status else 'RUNNING' end,
        (m.task).noop, (m.task).name, (m.task).icon, (m.task).description, (m.task).params, (m.task).properties,
        case when m.is_kept then (m.task).output_properties end,
        (m.task).style, (m.task).connection_key, (m.task).redact, (m.task).operation, (m.task).effect,
        (m.task).child_execution_mode,
        case when m.is_kept then (m.task).attempt_count else 1 end,
        case when m.is_kept then (m.task).output end,
        case when m.is_kept then (m.task).started_at else v_now end,
        case when m.is_kept then (m.task).completed_at end,
        v_now, v_now
    from moved as m;
end;
$$;
comment on function perdure._take_over_tasks(uuid, uuid, uuid) is 'Give a run the results of another one.';
