-- _run_status_after: what a run becomes when an execution ends.
-- Arguments  p_verdict       what became of the request: REPLY, UNREACHABLE, REFUSED, FUNCTION_TIMEOUT,
--            MALFORMED, LEASE_EXPIRED, RUN_TIMED_OUT;
--            p_reply_status  status in the reply; null without one;
--            p_out_of_tries  may an execution without an answer not be repeated?
-- Returns    a run status; null: a reply whose status this release does not know.
-- Called by  _next_run_state, _deciding_reply.
create or replace function perdure._run_status_after(p_verdict text, p_reply_status text, p_out_of_tries boolean)
returns text
language sql immutable parallel safe
return case p_verdict
    when 'REPLY' then case p_reply_status
        when 'SUCCESS' then 'SUCCESS'
        when 'ERROR' then 'FAILURE'
        when 'INVALID_PAYLOAD' then 'INVALID_PAYLOAD'
        when 'UNRESOLVED_AUTH_ERROR' then 'UNRESOLVED_AUTH'
        when 'CANCELED' then 'CANCELED'
        when 'RESUME_WITH_TASK' then 'WAITING_TO_CONTINUE'
        when 'RESUME_WITH_PARALLEL_TASK' then 'WAITING_TO_CONTINUE'
        when 'RETRY_WITH_TASK' then 'WAITING_TO_CONTINUE'
        when 'YIELD_EXECUTION' then 'WAITING_TO_EXECUTE'
        when 'AUTO_YIELD_EXECUTION' then 'WAITING_TO_EXECUTE'
        when 'AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK' then 'WAITING_TO_EXECUTE'
        when 'AUTO_YIELD_RATE_LIMIT' then 'WAITING_TO_EXECUTE'
    end
    when 'FUNCTION_TIMEOUT' then 'WAITING_TO_EXECUTE'
    when 'RUN_TIMED_OUT' then 'TIMED_OUT'
    when 'UNREACHABLE' then case when p_out_of_tries then 'FAILURE' else 'WAITING_TO_EXECUTE' end
    when 'LEASE_EXPIRED' then case when p_out_of_tries then 'FAILURE' else 'WAITING_TO_EXECUTE' end
    else 'FAILURE'
end;
comment on function perdure._run_status_after(text, text, boolean) is 'What a run becomes when an execution ends.';
