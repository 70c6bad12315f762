-- _parent_id: the task that another lies in, by its key: stored already, also by the statement that calls this, or
-- about to be with the same calls, where it comes first.
-- Arguments  as _task_calls; p_new_id  the id that the inner task gets.
-- Returns    null: there is none with this key.
-- Called by  _new_tasks, for a task that lies in another. Volatile, to see what the statement has stored so far.
create or replace function perdure._parent_id(
    p_calls json, p_ids_from bigint, p_ids_tail text, p_trusted boolean, p_run_id uuid, p_parent_key text, p_new_id uuid
)
returns uuid
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
begin
    select t.id into v_id
    from perdure.tasks as t
    where t.run_id = p_run_id and t.idempotency_key = p_parent_key;
    if v_id is null then
        select c.new_id into v_id
        from perdure._task_calls(p_calls, p_ids_from, p_ids_tail, p_trusted) as c
        where
            c.run_id = p_run_id and (c.task)."idempotencyKey" = p_parent_key and c.new_id < p_new_id
            and c.error_code is null
        order by c.new_id
        limit 1;
    end if;
    return v_id;
end;
$$;
comment on function perdure._parent_id(json, bigint, text, boolean, uuid, text, uuid) is
'The task that another lies in.';
