-- _is_final: is this the status of a run that has ended?
create or replace function perdure._is_final(p_run_status text)
returns boolean
language sql immutable parallel safe
return p_run_status in ('SUCCESS', 'FAILURE', 'TIMED_OUT', 'ABORTED', 'CANCELED', 'UNRESOLVED_AUTH', 'INVALID_PAYLOAD');
comment on function perdure._is_final(text) is 'Is this the status of a run that has ended?';
