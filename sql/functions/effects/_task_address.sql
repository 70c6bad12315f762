-- _task_address: where what ends a task of ours is sent, in place of a URL: it needs no request. No user can give such
-- a URL: _check_url takes http and https only.
create or replace function perdure._task_address(p_task_id uuid)
returns text
language sql immutable parallel safe
return 'perdure:task/' || p_task_id;
comment on function perdure._task_address(uuid) is 'Where what ends a task of ours is sent.';
