-- _waits_with_siblings: is this task inside parallel ones of which another waits still? A task that runs without
-- being an operation is not waited for: only an execution takes it further.
-- Called by  _wake_runs.
create or replace function perdure._waits_with_siblings(p_task perdure.tasks)
returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_task perdure.tasks := p_task;
begin
    while v_task.parent_id < v_task.id loop  -- older, as a parent is; no circle that a client made up is walked
        select t.* into v_task from perdure.tasks as t where t.id = v_task.parent_id and t.run_id = p_task.run_id;
        if v_task.child_execution_mode = 'PARALLEL' then
            return perdure._has_waiting_subtasks(v_task.run_id, v_task.id);
        end if;
    end loop;
    return false;
end;
$$;
comment on function perdure._waits_with_siblings(
    perdure.tasks
) is 'Is this one of parallel tasks of which another waits?';
