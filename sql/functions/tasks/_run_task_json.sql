-- _run_task_json: a task as a run shows it, with the tasks inside it when wanted.
-- Called by  get_run, itself.
create or replace function perdure._run_task_json(p_task perdure.tasks, p_subtasks boolean, p_details boolean)
returns json
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return perdure._json_object(
        perdure._member('id', to_json(p_task.id)),
        perdure._member('displayKey', coalesce(to_json(p_task.display_key), 'null')),
        perdure._member('status', to_json(p_task.status)),
        perdure._member('name', to_json(p_task.name)),
        perdure._member('icon', coalesce(to_json(p_task.icon), 'null')),
        perdure._member('startedAt', to_json(perdure._iso(p_task.started_at))),
        perdure._member('completedAt', coalesce(to_json(perdure._iso(p_task.completed_at)), 'null')),
        perdure._member('params', case
            when p_details then perdure._redact(perdure._hide_redacted(p_task.params), p_task.redact)
        end),
        perdure._member('output', case when p_details then perdure._redact(p_task.output, p_task.redact) end),
        perdure._member('subtasks', case when p_subtasks then (
                select coalesce(json_agg(perdure._run_task_json(t, p_subtasks, p_details) order by t.id), '[]')
                from perdure.tasks as t
                where t.run_id = p_task.run_id and t.parent_id = p_task.id
            ) end)
    );
end;
$$;
comment on function perdure._run_task_json(perdure.tasks, boolean, boolean) is 'A task as a run shows it.';
