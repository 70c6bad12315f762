-- _run_may_become: the state machine of runs, whole. tg_runs__check_status refuses everything else. Final
-- states can only be continued (a person's decision: finished tasks are kept, open ones are tried again).
create or replace function perdure._run_may_become(p_from text, p_to text)
returns boolean
language sql immutable parallel safe
return case p_from
    when 'PENDING' then p_to in ('WAITING_ON_CONNECTIONS', 'QUEUED', 'TIMED_OUT', 'CANCELED')
    when 'WAITING_ON_CONNECTIONS' then p_to in ('QUEUED', 'TIMED_OUT', 'CANCELED')
    when 'QUEUED' then p_to in ('EXECUTING', 'TIMED_OUT', 'ABORTED', 'CANCELED')
    when 'EXECUTING' then p_to in (
        'SUCCESS', 'FAILURE', 'TIMED_OUT', 'ABORTED', 'UNRESOLVED_AUTH', 'INVALID_PAYLOAD', 'CANCELED',
        'WAITING_TO_CONTINUE', 'WAITING_TO_EXECUTE'
    )
    when 'WAITING_TO_CONTINUE' then p_to in ('WAITING_TO_EXECUTE', 'TIMED_OUT', 'CANCELED')
    when 'WAITING_TO_EXECUTE' then p_to in ('EXECUTING', 'TIMED_OUT', 'ABORTED', 'CANCELED')
    when 'PREPROCESSING' then p_to = 'CANCELED'  -- legacy of the wire, as STARTED; never set here
    when 'STARTED' then p_to = 'CANCELED'
    when 'SUCCESS' then false
    else p_to = 'QUEUED'  -- FAILURE, TIMED_OUT, ABORTED, CANCELED, UNRESOLVED_AUTH, INVALID_PAYLOAD: continued
end;
comment on function perdure._run_may_become(text, text) is 'The state machine of runs.';
