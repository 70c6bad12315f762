-- _count_attempt: an attempt of an operation has failed and another follows.
-- Called by  _apply_fetch.
create or replace function perdure._count_attempt(p_task perdure.tasks, p_error json, p_next_at timestamptz)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    insert into perdure.task_attempts (task_id, number, error, ended_at, next_at)
    values (p_task.id, p_task.attempt_count, p_error, perdure.clock(), p_next_at);
    update perdure.tasks as t
    set attempt_count = t.attempt_count + 1, updated_at = perdure.clock()
    where t.id = p_task.id;
end;
$$;
comment on function perdure._count_attempt(perdure.tasks, json, timestamptz) is 'An attempt failed, another follows.';
