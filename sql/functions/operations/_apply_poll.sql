-- _apply_poll: fetch-poll: a request was answered, or not: each is shown as a task of its own. The first answer that
-- matches the responseFilter is the output; until then it is asked again every interval, 10 s to 10 min (10 s), as long
-- as the timeout allows, 30 s to 1 h (10 min), and for the last time at its end.
-- Called by  _apply_fetch.
create or replace function perdure._apply_poll(p_task perdure.tasks, p_delivery perdure.deliveries, p_result json)
returns perdure.delivery_effect
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_params constant json := perdure._shield(p_task.params);
    v_timeout_s constant integer := perdure._clamped(v_params -> 'timeout', 600, 30, 3600);
    v_interval_s constant integer := perdure._clamped(v_params -> 'interval', 10, 10, 600);
    v_ends_at constant timestamptz := p_delivery.created_at + make_interval(secs => v_timeout_s);
    v_problem text;
    v_again_at timestamptz;
begin
    perform perdure._show_poll_attempt(p_task, p_delivery, p_result);
    if perdure._response_matches(v_params -> 'responseFilter', p_result) then
        perform perdure._end_operation(p_task, 'COMPLETED', perdure._fetch_output(p_task.operation, p_result));
    elsif v_now >= v_ends_at then
        perform perdure._end_operation(p_task, 'ERRORED', json_build_object(
            'message', format('Task timed out after %s seconds', v_timeout_s)
        ));
    else
        v_again_at := least(v_now + make_interval(secs => v_interval_s), v_ends_at);
        v_problem := coalesce(perdure._answer_problem(p_result), 'The answer does not match the responseFilter');
    end if;
    return row(v_problem, v_again_at, null)::perdure.delivery_effect;
end;
$$;
comment on function perdure._apply_poll(perdure.tasks, perdure.deliveries, json)
is 'What an answer makes of a poll.';
