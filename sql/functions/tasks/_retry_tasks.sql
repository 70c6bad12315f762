-- _retry_tasks: RETRY_WITH_TASK ends a task's current attempt and schedules the next: at the reply's retryAt
-- when it has one (the service said when), else after a delay computed here from its retry policy.
-- Arguments  p_results  results that are about a task, with its id; null: nothing to do.
-- Called by  _apply_replies.
create or replace function perdure._retry_tasks(p_results perdure.execution_result[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
begin
    with failed as (
        select
            t.id,
            t.attempt_count,
            coalesce(perdure._unshield(r.reply -> 'error'), '{"message": "no error was given"}') as error,
            coalesce(
                (r.reply ->> 'retryAt')::timestamptz, v_now + perdure._retry_delay(r.reply -> 'retry', t.attempt_count)
            ) as next_at
        from unnest(p_results) as r
        inner join perdure.tasks as t on t.id = r.task_id
        where
            r.reply_status = 'RETRY_WITH_TASK' and r.run_status in ('WAITING_TO_CONTINUE', 'WAITING_TO_EXECUTE')
            and t.status in ('PENDING', 'WAITING', 'RUNNING')
    ),
    attempted as (
        insert into perdure.task_attempts (task_id, number, error, ended_at, next_at)
        select f.id, f.attempt_count, f.error, v_now, f.next_at from failed as f
    )
    update perdure.tasks as t
    set
        status = 'WAITING',
        attempt_count = f.attempt_count + 1,
        delay_until = f.next_at,
        due_at = least(f.next_at, t.callback_timeout_at),
        updated_at = v_now
    from failed as f
    where t.id = f.id;
end;
$$;
comment on function perdure._retry_tasks(perdure.execution_result[]) is 'Schedule the next attempt of tasks.';
