-- _run_tags_json: the tags of a run, sorted.
create or replace function perdure._run_tags_json(p_run_id uuid)
returns json
language sql stable
begin atomic
    select coalesce(json_agg(t.tag order by t.tag collate "C"), '[]')
    from perdure.run_tags as t
    where t.run_id = p_run_id;
end;
comment on function perdure._run_tags_json(uuid) is 'The tags of a run.';
