-- _failed_statuses: the statuses of runs that have ended without success, by no wish of anybody.
create or replace function perdure._failed_statuses()
returns text[]
language sql immutable parallel safe
return '{FAILURE,TIMED_OUT,ABORTED,UNRESOLVED_AUTH,INVALID_PAYLOAD}'::text[];
comment on function perdure._failed_statuses() is 'The statuses of runs that have failed.';
