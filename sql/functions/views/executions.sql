-- executions: the EXECUTE_JOB requests of each run: those that ended, and the one in flight (ended_at null). When a run
-- succeeded at its first try, its own row tells of the request, unless that has a row as others have.
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
    r.id,
    r.lease_number,
    r.dispatcher,
    r.started_at,
    r.completed_at,
    r.duration_ms::integer,
    'REPLY',
    'SUCCESS',
    r.http_status,
    null
from perdure.runs as r
where
    r.status = 'SUCCESS' and r.lease_number = 1
    and not exists (select 1 from perdure.executions as x where x.run_id = r.id and x.lease_number = 1)
union all
select
    l.run_id,
    l.lease_number,
    r.dispatcher,
    l.claimed_at,
    null,
    null,
    null,
    null,
    null,
    null
from perdure.leases as l
inner join perdure.runs as r on r.id = l.run_id;
comment on view perdure_views.executions is 'EXECUTE_JOB requests of runs.';
