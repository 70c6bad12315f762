-- _new_task_key: the idempotency key that a task of one run has in another one, where its code is to find it.
-- Arguments  p_task        of the first run; what people read as its key is what the key must have been made of;
--            p_parent_key  of the task that it lies in; null: none;
--            p_new_parent_id, p_new_parent_key  of that task in the other run.
-- Errors     JQ002 wrong_state: it was made of something else.
-- Called by  _take_over_tasks.
create or replace function perdure._new_task_key(
    p_task perdure.tasks, p_parent_key text, p_new_run_id uuid, p_new_parent_id uuid, p_new_parent_key text
)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_text text;
begin
    foreach v_text in array array[
        p_task.display_key,
        -- a list of the Python SDK: people read True and None where the key has true and null
        replace(replace(replace(p_task.display_key, 'True', 'true'), 'False', 'false'), 'None', 'null')
    ]
    loop
        if p_task.idempotency_key = perdure._task_key(p_task.run_id, p_parent_key, v_text) then
            return perdure._task_key(p_new_run_id, p_new_parent_key, v_text);
        elsif p_task.idempotency_key = perdure._task_key(p_task.run_id, p_task.parent_id::text, v_text) then
            return perdure._task_key(p_new_run_id, p_new_parent_id::text, v_text);
        end if;
    end loop;
    raise exception using
        errcode = 'JQ002',
        message = format(
            'task %L cannot be taken over into another run: its key is not known here, as of one whose key is a list '
            'in the JavaScript SDK; run it again from a task above it, or from the beginning',
            coalesce(p_task.display_key, p_task.name)
        ),
        detail = format('task %s of run %s', p_task.id, p_task.run_id);
end;
$$;
comment on function perdure._new_task_key(perdure.tasks, text, uuid, uuid, text) is
'The idempotency key of a task in another run.';
