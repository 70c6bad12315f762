-- _fail_reported_tasks: an ERROR that names a task means that this task's failure ended the run: it keeps the
-- error.
-- Arguments  p_results  results that are about a task, with its id; null: nothing to do.
-- Called by  _apply_replies.
create or replace function perdure._fail_reported_tasks(p_results perdure.execution_result[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    update perdure.tasks as t
    set
        status = 'ERRORED',
        output = perdure._unshield(r.reply -> 'error'),
        completed_at = perdure.clock(),
        due_at = null,
        updated_at = perdure.clock()
    from unnest(p_results) as r
    where
        r.reply_status = 'ERROR'
        and t.id = r.task_id
        and t.status in ('PENDING', 'WAITING', 'RUNNING');
end;
$$;
comment on function perdure._fail_reported_tasks(perdure.execution_result[])
is 'Fail the tasks whose failure ended a run.';
