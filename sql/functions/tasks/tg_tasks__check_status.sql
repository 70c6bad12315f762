-- tg_tasks__check_status: refuse a change of status that the state machine does not have. The when clause, which is
-- planned anew for each statement, knows the changes that most tasks go through. After the update, since a trigger
-- before it would lock each row first, and log that.
-- Errors     JQ002 wrong_state.
create or replace function perdure.tg_tasks__check_status()
returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if not perdure._task_may_become(old.status, new.status) then
        raise exception using
            errcode = 'JQ002',
            message = format('a task in status %s cannot become %s', old.status, new.status),
            detail = format('task %s of run %s', old.id, old.run_id);
    end if;
    return null;
end;
$$;
comment on function perdure.tg_tasks__check_status() is 'Refuse illegal changes of a task''s status.';

create or replace trigger tg_tasks__check_status
after update of status on perdure.tasks
for each row
when (old.status <> new.status and not (new.status = 'COMPLETED' and old.status = any('{RUNNING, WAITING}')))
execute function perdure.tg_tasks__check_status();
