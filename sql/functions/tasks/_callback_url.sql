-- _callback_url: where somebody outside ends a task by a POST; null while the server's public URL is not known.
create or replace function perdure._callback_url(p_task_id uuid, p_secret text)
returns text
language sql stable
begin atomic
    select s.value || '/api/v1/tasks/' || p_task_id || '/callback/' || p_secret
    from perdure.settings as s
    where s.name = 'public_url';
end;
comment on function perdure._callback_url(uuid, text) is 'Where somebody outside ends a task.';
