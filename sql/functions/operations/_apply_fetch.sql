-- _apply_fetch: FETCH: what the answer to a task's request, or its absence, makes of the task: its output, its error,
-- or another attempt. How long it took counts into the run's duration.
-- Returns    without a problem when the task has ended: whatever it was is the task's now, and no reason to send again.
-- Locks      the task's run, then the task.
-- Called by  _apply_delivery.
create or replace function perdure._apply_fetch(p_delivery perdure.deliveries, p_result json)
returns perdure.delivery_effect
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_task constant perdure.tasks := perdure._lock_operation(p_delivery);
    v_result constant json := perdure._hide_url(v_task, p_result);
    v_problem text;
    v_again_at timestamptz;
begin
    if v_task.id is null then
        return null;
    end if;
    update perdure.runs as r
    set duration_ms = r.duration_ms + coalesce((v_result ->> 'durationMs')::bigint, 0)
    where r.id = v_task.run_id;

    if v_task.operation = 'fetch-poll' then
        return perdure._apply_poll(v_task, p_delivery, v_result);
    elsif v_result ->> 'verdict' = 'REPLY' and (v_result ->> 'httpStatus')::integer between 200 and 299 then
        perform perdure._end_operation(v_task, 'COMPLETED', perdure._fetch_output(v_task.operation, v_result));
        return null;
    end if;
    v_again_at := perdure._next_fetch_at(v_task, v_result);
    if v_again_at is null then
        perform perdure._end_operation(v_task, 'ERRORED', perdure._fetch_error(v_task, v_result));
    else
        perform perdure._count_attempt(v_task, perdure._fetch_error(v_task, v_result), v_again_at);
        v_problem := perdure._answer_problem(v_result);
    end if;
    return row(v_problem, v_again_at, null)::perdure.delivery_effect;
end;
$$;
comment on function perdure._apply_fetch(perdure.deliveries, json) is 'What an answer makes of the task that asked.';
