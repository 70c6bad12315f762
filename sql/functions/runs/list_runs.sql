-- list_runs: an environment's runs, newest first, without those of internal jobs.
-- Arguments  p_status  only this status; p_job  only this job's slug; p_cursor  nextCursor of the page
--            before;
--            p_take    runs in one page, 1 to 100;
--            p_tags    only runs that have all of these tags.
-- Returns    {runs: [{id, status, job: {id, version}, event: {id, name}, startedAt, completedAt, createdAt,
--            isTest, tags: […], metadata: {…}}], nextCursor?}.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.list_runs(
    p_environment_id uuid, p_status text default null, p_job text default null, p_cursor uuid default null,
    p_take integer default 20, p_tags text[] default null
)
returns json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_search record;
    v_runs json;
begin
    select s.* into v_search
    from perdure._search_runs(
        perdure._run_filter(
            p_environment_id,
            p_statuses => case when p_status is not null then array[p_status] end,
            p_job => p_job,
            p_tags => p_tags
        ),
        p_cursor, greatest(least(p_take, 100), 1), null
    ) as s;
    select json_agg(json_build_object(
        'id', r.id,
        'status', r.status,
        'job', json_build_object('id', j.slug, 'version', v.version),
        'event', json_build_object('id', e.event_id, 'name', e.name),
        'startedAt', perdure._iso(r.started_at),
        'completedAt', perdure._iso(r.completed_at),
        'createdAt', perdure._iso(r.created_at),
        'isTest', r.is_test,
        'tags', perdure._run_tags_json(r.id),
        'metadata', perdure._run_metadata_json(r.id)
    ) order by r.id desc) into v_runs
    from perdure.runs as r
    inner join perdure.jobs as j on j.id = r.job_id
    inner join perdure.job_versions as v on v.id = r.job_version_id
    inner join perdure.events as e on e.id = r.event_id
    where r.id = any(v_search.run_ids);
    return perdure._json_object(
        perdure._member('runs', coalesce(v_runs, '[]')),
        perdure._member('nextCursor', to_json(v_search.searched_to))
    );
end;
$$;
comment on function perdure.list_runs(uuid, text, text, uuid, integer, text[])
is 'An environment''s runs, newest first.';
