-- list_runs: an environment's runs, newest first, without those of internal jobs.
-- Arguments  p_status  only this status; p_job  only this job's slug; p_cursor  nextCursor of the page
--            before;
--            p_take    runs in one page, 1 to 100.
-- Returns    {runs: [{id, status, job: {id, version}, event: {id, name}, startedAt, completedAt, createdAt,
--            isTest}], nextCursor?}.
-- Called by  the server, psql.
create or replace function perdure.list_runs(
    p_environment_id uuid, p_status text default null, p_job text default null, p_cursor uuid default null,
    p_take integer default 20
)
returns json
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    with page as (
        select
            r.id,
            row_number() over (order by r.id desc) as ordinal,
            json_build_object(
                'id', r.id,
                'status', r.status,
                'job', json_build_object('id', j.slug, 'version', v.version),
                'event', json_build_object('id', e.event_id, 'name', e.name),
                'startedAt', perdure._iso(r.started_at),
                'completedAt', perdure._iso(r.completed_at),
                'createdAt', perdure._iso(r.created_at),
                'isTest', r.is_test
            ) as run
        from perdure.runs as r
        inner join perdure.jobs as j on j.id = r.job_id and not j.internal
        inner join perdure.job_versions as v on v.id = r.job_version_id
        inner join perdure.events as e on e.id = r.event_id
        where
            r.environment_id = p_environment_id
            and (p_status is null or r.status = p_status)
            and (p_job is null or j.slug = p_job)
            and (p_cursor is null or r.id <= p_cursor)
        order by r.id desc
        limit greatest(least(p_take, 100), 1) + 1
    )
    select perdure._json_object(
        perdure._member('runs', coalesce(
            json_agg(p.run order by p.ordinal) filter (where p.ordinal <= greatest(least(p_take, 100), 1)), '[]'
        )),
        perdure._member('nextCursor', to_json(
            (array_agg(p.id) filter (where p.ordinal > greatest(least(p_take, 100), 1)))[1]
        ))
    )
    from page as p;
$$;
comment on function perdure.list_runs(uuid, text, text, uuid, integer) is 'An environment''s runs, newest first.';
