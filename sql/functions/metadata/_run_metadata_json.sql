-- _run_metadata_json: the metadata of a run; {} when it has none.
create or replace function perdure._run_metadata_json(p_run_id uuid)
returns json
language sql stable
return coalesce((select m.metadata::json from perdure.run_metadata as m where m.run_id = p_run_id), '{}');
comment on function perdure._run_metadata_json(uuid) is 'The metadata of a run.';
