-- _execution_text: the body of an EXECUTE_JOB request, JSON.
-- Arguments  p_event     as _event_text makes it;
--            p_members   as _job_members makes them;
--            p_chunk_limit_ms  null: the app is connected, and has no such limit;
--            p_started_at  of this execution, as _iso makes it;
--            p_account_id, p_source  of the event; null: none;
--            p_tasks     the members that tell what the run did before, as _begun_members makes them; null: nothing.
-- Called by  claim_runs, _store_events, _begin_event, whose statements it becomes a part of.
create or replace function perdure._execution_text(
    p_event text, p_members text, p_chunk_limit_ms integer, p_run_id uuid,
    p_is_test boolean, p_started_at text, p_account_id uuid, p_source json, p_tasks text, p_yielded_keys text[],
    p_lease_number integer
)
returns text
language sql stable
return concat(
    '{"event":', p_event,
    ',', p_members,
    ',"runChunkExecutionLimit":' || p_chunk_limit_ms,
    ',"run":{"id":"', p_run_id, '","isTest":', case when p_is_test then 'true' else 'false' end,
    ',"isRetry":false,"startedAt":"', p_started_at, '"}',
    case when p_account_id is not null then ',"account":' || perdure._account_json(p_account_id) end,
    ',"source":' || p_source,
    ',', coalesce(p_tasks, '"tasks":[]'),
    ',"yieldedExecutions":', coalesce(to_json(p_yielded_keys), '[]'),
    ',"perdure":{"leaseNumber":', p_lease_number, '}}'
);
comment on function perdure._execution_text(
    text, text, integer, uuid, boolean, text, uuid, json, text, text[], integer
) is 'The body of an EXECUTE_JOB request.';
