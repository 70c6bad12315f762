-- _timeout_message: what is said of a run that did not end in the time that its job allows.
-- Called by  _end_overdue_runs, _reap_leases.
create or replace function perdure._timeout_message(p_timeout_at timestamptz)
returns text
language sql stable parallel safe
return format('The run took longer than its job allows: it was to end by %s', perdure._iso(p_timeout_at));
comment on function perdure._timeout_message(timestamptz) is 'What is said of a run that took too long.';
