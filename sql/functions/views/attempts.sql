-- attempts: every try of every task: the failed ones that were followed by another, and the task's last or
-- current one.
create or replace view perdure_views.attempts as
select
    a.task_id,
    a.number,
    'ERRORED' as status,
    perdure._redact(a.error, t.redact) as error,
    a.ended_at,
    a.next_at
from perdure.task_attempts as a
inner join perdure.tasks as t on t.id = a.task_id
union all
select
    t.id,
    t.attempt_count,
    case t.status when 'COMPLETED' then 'COMPLETED' when 'ERRORED' then 'ERRORED' else 'PENDING' end,
    case when t.status = 'ERRORED' then perdure._redact(t.output, t.redact) end,
    t.completed_at,
    null
from perdure.tasks as t;
comment on view perdure_views.attempts is 'Every try of every task.';
