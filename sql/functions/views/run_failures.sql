-- run_failures: the runs that ended without success, and why; without those that were cancelled. fingerprint: failures
-- that look alike have the same. error: the error of the run as its app gave it, without what is secret in the task's.
create or replace view perdure_views.run_failures as
select
    f.run_id,
    f.environment_id,
    k.slug as job,
    f.status,
    f.failed_at,
    f.fingerprint,
    f.error_name,
    f.message,
    f.task_id,
    f.task_key,
    (
        select perdure._redact(r.output, (select t.redact from perdure.tasks as t where t.id = f.task_id))
        from perdure.runs as r
        where r.id = f.run_id
    ) as error
from perdure.run_failures as f
inner join perdure.jobs as k on k.id = f.job_id;
comment on view perdure_views.run_failures is 'Runs that ended without success, and why.';
