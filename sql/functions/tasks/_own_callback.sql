-- _own_callback: the task whose callback this URL is: it can be ended here, without a request to ourselves.
-- Returns    tasks.id; null: the URL is somebody else's.
-- Called by  _settle_own_callbacks.
create or replace function perdure._own_callback(p_url text)
returns uuid
language sql stable
begin atomic
    select t.id
    from perdure.tasks as t
    where
        t.id = perdure._to_uuid(substring(p_url from '/api/v1/tasks/([0-9a-f-]{36})/callback/[0-9a-f]{24}$'))
        and t.callback_url = p_url;
end;
comment on function perdure._own_callback(text) is 'The task whose callback this URL is.';
