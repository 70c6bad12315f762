-- _failed_task_json: the task that a failed run most likely failed for: the latest that ended with an error, else one
-- that was open when the run ended.
-- Returns    {id, cacheKey, status, name, icon, startedAt, error, params}; null: no task of the run is ERRORED.
-- Called by  _run_notification_json.
create or replace function perdure._failed_task_json(p_run_id uuid)
returns json
language sql stable
begin atomic
    select
        json_build_object(
            'id', t.id,
            'cacheKey', t.display_key,
            'status', t.status,
            'name', t.name,
            'icon', t.icon,
            'startedAt', perdure._iso(t.started_at),
            'error', t.output,
            'params', perdure._redact(perdure._hide_redacted(t.params), t.redact)
        )
    from perdure.tasks as t
    where t.run_id = p_run_id and t.status = 'ERRORED'
    order by (t.output is null), t.completed_at desc, t.id desc
    limit 1;
end;
comment on function perdure._failed_task_json(uuid) is 'The task that a failed run most likely failed for.';
