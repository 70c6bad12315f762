-- _lock_runs_of: lock the runs of these tasks, in id order. Whoever ends a task that a run may wait for does so
-- first, and calls _wake_runs after it.
-- Called by  _settle_own_callbacks, _complete_callbacks, the operations' answers.
create or replace function perdure._lock_runs_of(p_task_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    perform 1
    from perdure.runs as r
    where r.id in (select t.run_id from perdure.tasks as t where t.id = any(p_task_ids))
    order by r.id
    for update;
end;
$$;
comment on function perdure._lock_runs_of(uuid[]) is 'Lock the runs of tasks.';
