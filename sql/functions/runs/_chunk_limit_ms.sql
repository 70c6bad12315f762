-- _chunk_limit_ms: for how long an execution may work before it has to yield; null: its app is connected, and there is
-- no such limit.
-- Arguments  of the app: columns of endpoints.
-- Called by  claim_runs, _store_events, _begin_event, whose statements it becomes a part of.
create or replace function perdure._chunk_limit_ms(
    p_connected boolean, p_execution_limit_ms integer, p_timeout_ms integer
)
returns integer
language sql immutable
return case when not p_connected then greatest(least(p_execution_limit_ms, p_timeout_ms, 120000), 10000) - 350 end;
comment on function perdure._chunk_limit_ms(boolean, integer, integer) is 'For how long an execution may work.';
