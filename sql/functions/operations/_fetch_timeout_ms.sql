-- _fetch_timeout_ms: how long one request of a task may take: 1 s to 300 s (120 s); of a poll 5 s at most.
-- Called by  _fetch_request, _fetch_error.
create or replace function perdure._fetch_timeout_ms(p_task perdure.tasks)
returns integer
language sql stable
return case (p_task).operation
    when 'fetch-poll'
    then perdure._clamped(perdure._shield((p_task).params) -> 'requestTimeout' -> 'durationInMs', 5000, 100, 5000)
    else perdure._clamped(perdure._shield((p_task).params) -> 'timeout' -> 'durationInMs', 120000, 1000, 300000)
end;
comment on function perdure._fetch_timeout_ms(perdure.tasks) is 'How long one request of a task may take.';
