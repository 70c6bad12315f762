-- _next_run_state: what an execution's result makes of its run. Decides, changes nothing.
-- Arguments  p_run     the run as it is, EXECUTING; p_result  what became of the request.
-- Returns    the run's new status, output, due time (backoff), and counters; always one row.
-- Errors     JQ010 invalid_argument: the reply lacks what its status needs.
-- Called by  apply_results.
create or replace function perdure._next_run_state(p_run perdure.runs, p_result perdure.execution_result)
returns table (status text, output json, due_at timestamptz, failure_count integer, yielded_keys text[])
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    -- An endpoint in development fails at once: the developer is watching. A lost lease is no fault of the app's.
    v_limit constant integer := case
        when p_result.verdict = 'UNREACHABLE' and (
            select e.type from perdure.environments as e where e.id = p_run.environment_id
        ) = 'DEVELOPMENT' then 1
        else 10
    end;
    v_error text := p_result.message;
    v_reply json := p_result.reply;
    v_reply_status text := p_result.reply_status;
begin
    if v_reply_status = 'RESUME_WITH_PARALLEL_TASK' then
        v_reply := perdure._deciding_reply(v_reply);
        v_reply_status := v_reply ->> 'status';
    end if;
    failure_count := case
        when p_result.verdict in ('UNREACHABLE', 'LEASE_EXPIRED') then p_run.failure_count + 1
        else 0
    end;
    yielded_keys := p_run.yielded_keys;
    status := perdure._run_status_after(p_result.verdict, v_reply_status, failure_count >= v_limit);

    if status is null then
        status := 'FAILURE';
        v_error := format(
            'The endpoint answered with a status this server does not know: %s', coalesce(v_reply_status, 'none')
        );
    elsif p_result.verdict = 'REPLY' then
        output := case v_reply_status
            when 'SUCCESS' then v_reply -> 'output'
            when 'ERROR' then v_reply -> 'error'
            when 'INVALID_PAYLOAD' then v_reply -> 'errors'
            when 'UNRESOLVED_AUTH_ERROR' then v_reply -> 'issues'
        end;
        -- Without an instant to wait for, at once again would be a hot loop; as it would for an app that could not
        -- store a task because the API was out of its reach.
        due_at := case
            when v_reply_status = 'AUTO_YIELD_RATE_LIMIT' then coalesce(
                to_timestamp((v_reply ->> 'reset')::double precision / 1000), perdure.clock() + interval '1 second'
            )
            when v_reply_status = 'AUTO_YIELD_EXECUTION' and v_reply ->> 'location' = 'failed_task_run'
                then perdure.clock() + interval '1 second'
        end;
        if v_reply_status = 'YIELD_EXECUTION' then
            if json_typeof(v_reply -> 'key') is distinct from 'string' then
                raise exception using errcode = 'JQ010', message = 'YIELD_EXECUTION must have a key, which is a text';
            end if;
            yielded_keys := p_run.yielded_keys || (v_reply ->> 'key');
            if cardinality(yielded_keys) > 100 then
                status := 'FAILURE';
                v_error := 'The run yielded more than 100 times';
            end if;
        end if;
    elsif p_result.verdict = 'FUNCTION_TIMEOUT' and not exists (
        select 1
        from perdure.tasks as t
        inner join perdure.leases as l on l.run_id = t.run_id
        where t.run_id = p_run.id and (t.created_at >= l.claimed_at or t.completed_at >= l.claimed_at)
    ) then
        status := 'TIMED_OUT';
        v_error := concat_ws(
            ' ', p_result.message, 'The run made no progress: no task began or ended in this execution.'
        );
    elsif status = 'WAITING_TO_EXECUTE' and p_result.verdict <> 'FUNCTION_TIMEOUT' then
        due_at := perdure.clock() + interval '500 milliseconds' * power(1.5, failure_count);
    end if;

    if perdure._is_final(status) and output is null and status <> 'SUCCESS' then
        output := json_build_object('message', coalesce(v_error, p_result.verdict));
    end if;
    return next;
end;
$$;
comment on function perdure._next_run_state(perdure.runs, perdure.execution_result)
is 'What a result makes of its run.';
