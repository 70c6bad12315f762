-- _open_statuses: the statuses of runs that have not ended.
create or replace function perdure._open_statuses()
returns text[]
language sql immutable parallel safe
return '{PENDING,WAITING_ON_CONNECTIONS,QUEUED,EXECUTING,WAITING_TO_CONTINUE}'::text[]
|| '{WAITING_TO_EXECUTE,PREPROCESSING,STARTED}'::text[];
comment on function perdure._open_statuses() is 'The statuses of runs that have not ended.';
