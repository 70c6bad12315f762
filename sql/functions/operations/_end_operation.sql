-- _end_operation: what the platform performed for a task has come to an end; its run goes on.
-- Arguments  p_task  locked, and its run before it.
-- Called by  _apply_fetch, _apply_poll, _fail_operation.
create or replace function perdure._end_operation(p_task perdure.tasks, p_status text, p_output json)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
begin
    update perdure.tasks as t
    set status = p_status, output = p_output, completed_at = v_now, due_at = null, updated_at = v_now
    where t.id = p_task.id;
    perform perdure._wake_runs(array[p_task.id]);
end;
$$;
comment on function perdure._end_operation(perdure.tasks, text, json) is 'An operation has come to an end.';
