-- _fetch_error: a bad answer, or none, as the error of the task that asked: the body when it is JSON, else a message.
-- Called by  _apply_fetch.
create or replace function perdure._fetch_error(p_task perdure.tasks, p_result json)
returns json
language sql stable
return case
    when p_result ->> 'verdict' = 'TIMEOUT'
    then json_build_object('message', format('Fetch timed out after %sms', perdure._fetch_timeout_ms(p_task)))
    when p_result ->> 'verdict' <> 'REPLY'
    then json_build_object('message', format('Fetch failed: %s', p_result ->> 'message'))
    when coalesce(json_typeof(perdure._answer_document(p_result)), 'null') <> 'null'
    then perdure._unshield(perdure._answer_document(p_result))
    else json_build_object('message', format('Fetch failed with status %s', p_result ->> 'httpStatus'))
end;
comment on function perdure._fetch_error(perdure.tasks, json) is 'A bad answer as a task''s error.';
