-- _deciding_reply: RESUME_WITH_PARALLEL_TASK carries a reply for each unfinished child. The first that ends the
-- run decides what becomes of it, else the first that wants it executed again, else the run waits. The v2 SDK cannot
-- say that parallel tasks inside a child wait: it reports an error whose message is that reply; it is passed over.
-- Called by  _next_run_state.
create or replace function perdure._deciding_reply(p_reply json)
returns json
language sql immutable parallel safe
return coalesce(
    (
        select c.reply
        from json_array_elements(p_reply -> 'childErrors') with ordinality as c (reply, ordinal)
        cross join lateral (select perdure._run_status_after('REPLY', c.reply ->> 'status', false) as run_status) as s
        where
            not (
                c.reply ->> 'status' = 'ERROR' and c.reply -> 'error' ->> 'name' = 'Unknown error'
                and c.reply -> 'error' ->> 'message' ~ '^\{.*"childExecutionMode":\s*"PARALLEL".*"childErrors":.*\}$'
            )
            and s.run_status in ('FAILURE', 'INVALID_PAYLOAD', 'UNRESOLVED_AUTH', 'WAITING_TO_EXECUTE')
        order by s.run_status = 'WAITING_TO_EXECUTE', c.ordinal
        limit 1
    ),
    p_reply
);
comment on function perdure._deciding_reply(json)
is 'The reply that decides what becomes of a run with parallel tasks.';
