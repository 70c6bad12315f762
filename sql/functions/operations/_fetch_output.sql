-- _fetch_output: a good answer as the output of the task that asked: the body's JSON, null when it is none; for
-- fetch-response with headers and status.
-- Called by  _apply_fetch, _apply_poll.
create or replace function perdure._fetch_output(p_operation text, p_result json)
returns json
language sql stable
return case p_operation
    when 'fetch-response' then perdure._json_object(
        perdure._member('data', coalesce(perdure._unshield(perdure._answer_document(p_result)), 'null')),
        perdure._member('headers', coalesce(perdure._unshield(p_result -> 'headers'), '{}')),
        perdure._member('status', p_result -> 'httpStatus')
    )
    else coalesce(perdure._unshield(perdure._answer_document(p_result)), 'null')
end;
comment on function perdure._fetch_output(text, json) is 'A good answer as a task''s output.';
