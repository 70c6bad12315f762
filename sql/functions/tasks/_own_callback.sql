-- _own_callback: the task that is ended by what is sent to this URL: it can be ended here, without a request to
-- ourselves.
-- Arguments  p_url  also the address of a task.
-- Returns    tasks.id; null: the URL is somebody else's.
-- Called by  _settle_own_callbacks, _give_events, _send_to_dispatchers.
create or replace function perdure._own_callback(p_url text)
returns uuid
language sql stable
begin atomic
    select coalesce(
        perdure._to_uuid(substring(p_url from '^perdure:task/(.*)$')),
        (
            select t.id
            from perdure.tasks as t
            where
                t.id = perdure._to_uuid(substring(p_url from '/api/v1/tasks/([0-9a-f-]{36})/callback/[0-9a-f]{24}$'))
                and t.callback_url = p_url
        )
    );
end;
comment on function perdure._own_callback(text) is 'The task that is ended by what is sent to this URL.';
