-- _run_members: what anybody who may see a run sees of it, but for its tasks: members for _json_object.
-- Called by  get_run, find_changed_runs.
create or replace function perdure._run_members(p_run perdure.runs)
returns text[]
language sql stable
return array[
    perdure._member('id', to_json((p_run).id)),
    perdure._member('status', to_json((p_run).status)),
    perdure._member('startedAt', coalesce(to_json(perdure._iso((p_run).started_at)), 'null')),
    perdure._member('updatedAt', to_json(perdure._iso((p_run).updated_at))),
    perdure._member('completedAt', coalesce(to_json(perdure._iso((p_run).completed_at)), 'null')),
    perdure._member('output', (p_run).output),
    perdure._member('tags', perdure._run_tags_json((p_run).id)),
    perdure._member('metadata', perdure._run_metadata_json((p_run).id)),
    perdure._member('statuses', perdure._run_statuses_json((p_run).id))
];
comment on function perdure._run_members(perdure.runs) is 'What a run shows of itself, but for its tasks.';
