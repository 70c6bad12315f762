-- _task_json: a task as the API answers it to an execution (ServerTask). What is absent is left out: concat passes over
-- it. Texts of ours are not escaped, those of users are.
create or replace function perdure._task_json(p_task perdure.tasks)
returns json
language sql stable
return concat(
    '{"id":"', (p_task).id,
    '","idempotencyKey":', to_json((p_task).idempotency_key),
    ',"name":', to_json((p_task).name),
    ',"noop":', case when (p_task).noop then 'true' else 'false' end,
    ',"status":"', (p_task).status,
    '","attempts":', (p_task).attempt_count,
    ',"icon":' || to_json((p_task).icon),
    ',"startedAt":"', perdure._iso((p_task).started_at),
    '","childExecutionMode":"', (p_task).child_execution_mode,
    '"', ',"completedAt":"' || perdure._iso((p_task).completed_at) || '"',
    ',"delayUntil":"' || perdure._iso((p_task).delay_until) || '"',
    ',"parentId":"' || (p_task).parent_id || '"',
    ',"operation":"' || (p_task).operation || '"',
    ',"description":' || to_json((p_task).description),
    ',"properties":' || (p_task).properties,
    ',"outputProperties":' || (p_task).output_properties,
    ',"params":' || (p_task).params,
    ',"output":' || (p_task).output,
    ',"style":' || (p_task).style,
    ',"callbackUrl":' || to_json((p_task).callback_url),
    '}'
)::json;
comment on function perdure._task_json(perdure.tasks) is 'A task as the wire shows it.';
