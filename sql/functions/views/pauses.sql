-- pauses: what is not executed for now: a job, a queue, an environment, or everything.
create or replace view perdure_views.pauses as
select
    z.id,
    case
        when z.job_id is not null then 'JOB'
        when z.concurrency_limit_id is not null then 'QUEUE'
        when z.environment_id is not null then 'ENVIRONMENT'
        else 'EVERYTHING'
    end as scope,
    z.environment_id,
    k.slug as job,
    c.name as queue,
    z.paused_at,
    z.paused_by,
    z.reason
from perdure.pauses as z
left join perdure.jobs as k on k.id = z.job_id
left join perdure.concurrency_limits as c on c.id = z.concurrency_limit_id;
comment on view perdure_views.pauses is 'What is not executed for now.';
