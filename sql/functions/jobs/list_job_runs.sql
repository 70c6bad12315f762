-- list_job_runs: a job's runs, newest first, for whoever may only see how they stand.
-- Arguments  p_job  slug; p_cursor  nextCursor of the page before; p_take  runs in one page, 1 to 50.
-- Returns    {runs: [{id, status, startedAt, updatedAt, completedAt}], nextCursor?}.
-- Errors     JQ001 not_found: the environment has no such job.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.list_job_runs(
    p_environment_id uuid, p_job text, p_cursor uuid default null, p_take integer default 20
)
returns json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_job constant perdure.jobs := perdure._find_job(p_environment_id, p_job);
    v_take constant integer := greatest(least(p_take, 50), 1);
    v_runs json;
    v_next_cursor uuid;
begin
    select
        json_agg(json_build_object(
            'id', page.id,
            'status', page.status,
            'startedAt', perdure._iso(page.started_at),
            'updatedAt', perdure._iso(page.updated_at),
            'completedAt', perdure._iso(page.completed_at)
        ) order by page.ordinal) filter (where page.ordinal <= v_take),
        (array_agg(page.id) filter (where page.ordinal > v_take))[1]
    into v_runs, v_next_cursor
    from (
        select r.*, row_number() over (order by r.id desc) as ordinal
        from perdure.runs as r
        where r.job_id = v_job.id and r.environment_id = p_environment_id and (p_cursor is null or r.id <= p_cursor)
        order by r.id desc
        limit v_take + 1
    ) as page;
    return perdure._json_object(
        perdure._member('runs', coalesce(v_runs, '[]')), perdure._member('nextCursor', to_json(v_next_cursor))
    );
end;
$$;
comment on function perdure.list_job_runs(uuid, text, uuid, integer) is 'A job''s runs, newest first.';
