-- _next_run_state: what an execution's result makes of its run. Decides, changes nothing.
-- Arguments  p_run         the run as it is, EXECUTING; p_result  what became of the request;
--            p_claimed_at  when this execution began.
-- Returns    the run's new status, output, due time (backoff), and counters; always one row.
-- Errors     JQ010 invalid_argument: the reply lacks what its status needs.
-- Called by  _next_run_states.
create or replace function perdure._next_run_state(
    p_run perdure.runs, p_result perdure.execution_result, p_claimed_at timestamptz
)
returns table (
    status text, output json, due_at timestamptz, failure_count integer, idle_count integer, yielded_keys text[]
)
language plpgsql stable rows 1 set search_path = pg_catalog, pg_temp
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
        if v_reply_status = 'AUTO_YIELD_RATE_LIMIT' then
            due_at := to_timestamp((v_reply ->> 'reset')::double precision / 1000);
        end if;
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
    elsif p_result.verdict = 'FUNCTION_TIMEOUT' and not perdure._made_progress(p_run.id, p_claimed_at) then
        status := 'TIMED_OUT';
        v_error := concat_ws(
            ' ', p_result.message, 'The run made no progress: no task began or ended in this execution.',
            (
                select format('It was at task "%s".', t.name)
                from perdure.tasks as t
                where t.run_id = p_run.id and t.status = 'RUNNING' and t.operation is null
                order by t.id desc
                limit 1
            )
        );
    elsif status = 'WAITING_TO_EXECUTE' and p_result.verdict <> 'FUNCTION_TIMEOUT' then
        due_at := perdure.clock() + interval '500 milliseconds' * power(1.5, failure_count);
    end if;

    -- To execute again at once a run that gets nowhere would be a hot loop: later and later, and then no more.
    -- A reply that waits for a task is judged by _apply_replies, which knows whether there is anything to wait for.
    idle_count := case when status = 'WAITING_TO_CONTINUE' then p_run.idle_count else 0 end;
    if v_reply_status in ('AUTO_YIELD_EXECUTION', 'AUTO_YIELD_RATE_LIMIT')
        and coalesce(due_at, perdure.clock()) <= perdure.clock() and not perdure._made_progress(p_run.id, p_claimed_at)
    then
        idle_count := p_run.idle_count + 1;
        due_at := perdure.clock() + perdure._idle_delay(
            idle_count, v_reply_status = 'AUTO_YIELD_RATE_LIMIT' or v_reply ->> 'location' = 'failed_task_run'
        );
        if idle_count >= 20 then
            status := 'FAILURE';
            v_error := format(
                'The run made no progress in %s executions in a row: each yielded (%s) before a task began or ended',
                idle_count, coalesce(v_reply ->> 'location', v_reply_status)
            );
        end if;
    end if;

    if perdure._is_final(status) then
        due_at := null;
    end if;
    if perdure._is_final(status) and output is null and status <> 'SUCCESS' then
        output := json_build_object('message', coalesce(v_error, p_result.verdict));
    end if;
    return next;
end;
$$;
comment on function perdure._next_run_state(perdure.runs, perdure.execution_result, timestamptz)
is 'What a result makes of its run.';
