-- find_runs: runs that pass a filter, newest first, without those of internal jobs. Where few pass, a call does not
-- find them all: it looks at some thousand runs and says where it stopped. Go on from there with p_cursor.
-- Arguments  p_filter  as _read_run_filter takes it; p_cursor  nextCursor of the call before; p_take  runs in one page,
--            1 to 100.
-- Returns    {runs: [{id, status, job: {id, name, version}, event: {id, name}, isTest, createdAt, startedAt,
--            completedAt, durationMs, tags: […], error}], lookedAt, nextCursor?, searchedTo?}: error is why a run has
--            failed, else null; lookedAt how many runs this call looked at; nextCursor is there when there may be
--            further ones, those created before searchedTo.
-- Errors     JQ010 invalid_argument: names the member of p_filter.
-- Called by  the dashboard, apps in direct mode, psql.
create or replace function perdure.find_runs(
    p_environment_id uuid, p_filter jsonb default '{}', p_cursor uuid default null, p_take integer default 50
)
returns json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_filter constant perdure.run_filter := perdure._read_run_filter(p_environment_id, p_filter);
    v_search record;
    v_runs json;
begin
    select s.* into v_search
    from perdure._search_runs(
        v_filter, p_cursor, greatest(least(p_take, 100), 1),
        case  -- as many as take some 20 ms
            when v_filter.patterns is not null then 2500
            when perdure._run_source(v_filter) = 'environment' then 10000
            else 3000
        end
    ) as s;

    select json_agg(json_build_object(
        'id', r.id,
        'status', r.status,
        'job', json_build_object('id', r.slug, 'name', r.name, 'version', r.version),
        'event', json_build_object('id', r.event_key, 'name', r.event_name),
        'isTest', r.is_test,
        'createdAt', perdure._iso(r.created_at),
        'startedAt', perdure._iso(r.started_at),
        'completedAt', perdure._iso(r.completed_at),
        'durationMs', r.duration_ms,
        'tags', perdure._run_tags_json(r.id),
        'error', (select f.message from perdure.run_failures as f where f.run_id = r.id)
    ) order by r.id desc) into v_runs
    from unnest(v_search.run_ids) as i (id)
    cross join lateral (
        select x.*, j.slug, j.name, v.version, e.event_id as event_key, e.name as event_name
        from perdure.runs as x
        inner join perdure.jobs as j on j.id = x.job_id
        inner join perdure.job_versions as v on v.id = x.job_version_id
        inner join perdure.events as e on e.id = x.event_id
        where x.id = i.id
        limit 1
    ) as r;
    return perdure._json_object(
        perdure._member('runs', coalesce(v_runs, '[]')),
        perdure._member('lookedAt', to_json(v_search.looked_at)),
        perdure._member('nextCursor', to_json(v_search.searched_to)),
        perdure._member('searchedTo', to_json(perdure._iso(perdure._id_time(v_search.searched_to))))
    );
end;
$$;
comment on function perdure.find_runs(uuid, jsonb, uuid, integer) is 'Runs that pass a filter, newest first.';
