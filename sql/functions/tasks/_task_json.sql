-- _task_json: a task as the API answers it to an execution (ServerTask).
create or replace function perdure._task_json(p_task perdure.tasks)
returns json
language sql stable
return perdure._json_object(
    perdure._member('id', to_json((p_task).id)),
    perdure._member('idempotencyKey', to_json((p_task).idempotency_key)),
    perdure._member('name', to_json((p_task).name)),
    perdure._member('noop', to_json((p_task).noop)),
    perdure._member('status', to_json((p_task).status)),
    perdure._member('attempts', to_json((p_task).attempt_count)),
    perdure._member('icon', to_json((p_task).icon)),
    perdure._member('startedAt', to_json(perdure._iso((p_task).started_at))),
    perdure._member('completedAt', to_json(perdure._iso((p_task).completed_at))),
    perdure._member('delayUntil', to_json(perdure._iso((p_task).delay_until))),
    perdure._member('description', to_json((p_task).description)),
    perdure._member('properties', (p_task).properties),
    perdure._member('outputProperties', (p_task).output_properties),
    perdure._member('params', (p_task).params),
    perdure._member('output', (p_task).output),
    perdure._member('parentId', to_json((p_task).parent_id)),
    perdure._member('style', (p_task).style),
    perdure._member('operation', to_json((p_task).operation)),
    perdure._member('callbackUrl', to_json((p_task).callback_url)),
    perdure._member('childExecutionMode', to_json((p_task).child_execution_mode))
);
comment on function perdure._task_json(perdure.tasks) is 'A task as the wire shows it.';
