-- task_attempts: the tries of a task that failed and were followed by another. The current try is the task
-- row itself (attempt_count), so a task that succeeds at once costs one row; perdure_views.attempts shows
-- both. Insert only. Written only by apply_results,
-- continue_run and sql/functions/operations/.
create table perdure.task_attempts (
    task_id uuid not null,
    number integer not null,  -- from 1
    error json not null,
    ended_at timestamptz not null,
    next_at timestamptz not null,  -- when the following try was due
    primary key (task_id, number)
);
comment on table perdure.task_attempts is 'Failed tries of tasks that were tried again.';
