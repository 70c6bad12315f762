-- _has_waiting_subtasks: does a task inside this one, however deep, wait for an instant, for somebody, or for the
-- platform?
-- Called by  _waits_with_siblings, _apply_replies.
create or replace function perdure._has_waiting_subtasks(p_run_id uuid, p_task_id uuid)
returns boolean
language sql stable
begin atomic
    with recursive inside as (
        select
            t.id,
            t.status,
            t.operation
        from perdure.tasks as t
        where t.run_id = p_run_id and t.parent_id = p_task_id
        union
        select
            t.id,
            t.status,
            t.operation
        from inside as i
        inner join perdure.tasks as t on t.run_id = p_run_id and t.parent_id = i.id
    )

    select exists(
        select 1 from inside as i where i.status = 'WAITING' or (i.status = 'RUNNING' and i.operation is not null)
    );
end;
comment on function perdure._has_waiting_subtasks(uuid, uuid) is 'Does a task inside this one wait?';
