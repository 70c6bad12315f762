-- executions: the EXECUTE_JOB requests of each run: those that ended, and the one in flight (ended_at null).
create or replace view perdure_views.executions as
select
    x.run_id,
    x.lease_number,
    x.dispatcher,
    x.claimed_at,
    x.ended_at,
    x.duration_ms,
    x.verdict,
    x.reply_status,
    x.http_status,
    x.message
from perdure.executions as x
union all
select
    l.run_id,
    l.lease_number,
    l.dispatcher,
    l.claimed_at,
    null,
    null,
    null,
    null,
    null,
    null
from perdure.leases as l;
comment on view perdure_views.executions is 'EXECUTE_JOB requests of runs.';
