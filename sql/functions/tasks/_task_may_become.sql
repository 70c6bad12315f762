-- _task_may_become: the state machine of tasks, whole. tg_tasks__check_status refuses everything else. A task
-- is created RUNNING, WAITING, COMPLETED, ERRORED or CANCELED. CANCELED and ERRORED ones are reset when a run
-- is continued.
create or replace function perdure._task_may_become(p_from text, p_to text)
returns boolean
language sql immutable parallel safe
return case p_from
    when 'PENDING' then p_to in ('RUNNING', 'WAITING', 'COMPLETED', 'ERRORED', 'CANCELED')
    when 'RUNNING' then p_to in ('WAITING', 'COMPLETED', 'ERRORED', 'CANCELED')
    when 'WAITING' then p_to in ('RUNNING', 'COMPLETED', 'ERRORED', 'CANCELED')
    when 'CANCELED' then p_to in ('RUNNING', 'WAITING', 'COMPLETED', 'ERRORED')
    when 'ERRORED' then p_to = 'RUNNING'
    else false  -- COMPLETED: a result is recorded once
end;
comment on function perdure._task_may_become(text, text) is 'The state machine of tasks.';
