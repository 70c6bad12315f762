-- _notify_dispatchers: tell sleeping dispatchers that there is something to do. A hint: they also look by
-- themselves. Postgres sends equal notifications of a transaction once, so callers need not count.
-- Arguments  p_what  'runs' (queued runs), 'connected' (those of connected apps), 'deliveries' (requests for
--            handlers), 'due' (something due soon).
create or replace function perdure._notify_dispatchers(p_what text)
returns void
language sql volatile
return pg_notify('perdure_ready', p_what);
comment on function perdure._notify_dispatchers(text) is 'Wake sleeping dispatchers.';
