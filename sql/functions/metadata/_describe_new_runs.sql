-- _describe_new_runs: give new runs the tags and the metadata that came with their events.
-- Called by  _start_runs.
create or replace function perdure._describe_new_runs(p_run_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    insert into perdure.run_tags (run_id, tag, environment_id)
    select r.id, t.tag, r.environment_id
    from perdure.runs as r
    inner join perdure.events as e on e.id = r.event_id
    cross join lateral unnest(e.run_tags) as t (tag)
    where r.id = any(p_run_ids);

    insert into perdure.run_metadata (run_id, metadata)
    select r.id, e.run_metadata
    from perdure.runs as r
    inner join perdure.events as e on e.id = r.event_id
    where r.id = any(p_run_ids) and e.run_metadata is not null;
end;
$$;
comment on function perdure._describe_new_runs(uuid[]) is 'Give new runs the tags and metadata of their events.';
