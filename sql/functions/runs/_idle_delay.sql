-- _idle_delay: how long to wait before a run is executed again that made no progress, for the nth time in a row.
-- Arguments  p_refused  the app could not reach the API: then the first time, too.
-- Returns    null at first: at once; then a second and half as much more each time, up to a minute.
-- Called by  _next_run_state.
create or replace function perdure._idle_delay(p_idle_count integer, p_refused boolean)
returns interval
language sql immutable parallel safe
return case
    when p_idle_count = 1 and not p_refused then null
    else least(interval '1 second' * power(1.5, p_idle_count - 1), interval '1 minute')
end;
comment on function perdure._idle_delay(integer, boolean) is 'How long a run waits that made no progress.';
