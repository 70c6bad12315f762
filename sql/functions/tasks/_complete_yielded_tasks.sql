-- _complete_yielded_tasks: AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK carries the result of a task whose
-- complete call failed: complete it as that call would have.
-- Arguments  p_results  results that are about a task, with its id; null: nothing to do.
-- Errors     JQ010 invalid_argument: the task has failed before.
-- Called by  _apply_replies.
create or replace function perdure._complete_yielded_tasks(p_results perdure.execution_result[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (
        select 1
        from unnest(p_results) as r
        inner join perdure.tasks as t on t.id = r.task_id
        where r.reply_status = 'AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK' and t.status = 'ERRORED'
    ) then
        raise exception using errcode = 'JQ010', message = 'it completes a task that has failed before';
    end if;

    update perdure.tasks as t
    set
        status = 'COMPLETED',
        output = (r.reply ->> 'output')::json,
        output_properties = coalesce(perdure._unshield(r.reply -> 'properties'), t.output_properties),
        completed_at = perdure.clock(),
        due_at = null,
        updated_at = perdure.clock()
    from unnest(p_results) as r
    where
        r.reply_status = 'AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK'
        and t.id = r.task_id
        and t.status in ('PENDING', 'WAITING', 'RUNNING');
end;
$$;
comment on function perdure._complete_yielded_tasks(perdure.execution_result[])
is 'Complete tasks whose result came with a yield.';
