-- _task_key: the idempotency key that an SDK makes of a task's key.
-- Arguments  p_around  of the task that it lies in, the idempotency key (Python) or the id (JavaScript); null: none;
--            p_text    the task's own key; what a list has is joined by colons.
-- Called by  _tasks_before, _new_task_key.
create or replace function perdure._task_key(p_run_id uuid, p_around text, p_text text)
returns text
language sql immutable parallel safe
return encode(sha256(convert_to(concat(p_run_id, ':', p_around, ':', p_text), 'UTF8')), 'hex');
comment on function perdure._task_key(uuid, text, text) is 'The idempotency key of a task''s key.';
