-- list_jobs: the jobs of an environment in the version that new runs get, each with its last run and how its latest
-- runs ended. Looks at the newest 500 runs of each job, and, of one that these say nothing about since other
-- environments have the same job, at the newest 1,000 of the environment.
-- Arguments  p_job  only this one, a slug; null: all but internal ones.
-- Returns    a row for each, by name: is_paused: a pause of it, its queue, its environment or everything stops it;
--            last_run_id, last_run_status, last_run_at: the newest run; null: none was found;
--            recent, succeeded: how many of the newest 50 runs that were found have ended, and how many of these well.
-- Called by  the server, psql.
create or replace function perdure.list_jobs(p_environment_id uuid, p_job text default null)
returns table (
    job_id uuid, slug text, name text, version text, status text, endpoint text, trigger json, integrations json,
    is_paused boolean, last_run_id uuid, last_run_status text, last_run_at timestamptz, recent integer,
    succeeded integer
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_first_id constant uuid := uuid '00000000-0000-0000-0000-000000000000';
    v_last_id constant uuid := uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff';
begin
    return query
    with listed as materialized (
        select k.id, k.slug, k.name, v.id as version_id, v.concurrency_limit_id
        from perdure.environment_jobs as l
        inner join perdure.jobs as k on k.id = l.job_id
        inner join perdure.job_versions as v on v.id = l.latest_version_id
        where l.environment_id = p_environment_id and (p_job is null or k.slug = p_job) and not k.internal
    ),
    own as materialized (
        select j.id as job_id, r.*
        from listed as j
        cross join lateral (
            select x.id, x.status, x.created_at, x.completed_at
            from (
                select y.id, y.status, y.created_at, y.completed_at, y.environment_id
                from perdure.runs as y
                -- By pairs, so that no other index seems to do.
                where (y.job_id, y.id) <= (j.id, v_last_id) and (y.job_id, y.id) >= (j.id, v_first_id)
                order by y.job_id desc, y.id desc
                limit 500
            ) as x
            where x.environment_id = p_environment_id
            limit 50
        ) as r (id, status, created_at, completed_at)
    ),
    missed as materialized (
        select x.job_id, x.id, x.status, x.created_at, x.completed_at
        from (
            select y.job_id, y.id, y.status, y.created_at, y.completed_at
            from perdure.runs as y
            where
                (y.environment_id, y.id) <= (p_environment_id, v_last_id)
                and (y.environment_id, y.id) >= (p_environment_id, v_first_id)
                and exists (select 1 from listed as j where j.id not in (select o.job_id from own as o))
            order by y.environment_id desc, y.id desc
            limit 1000
        ) as x
        where x.job_id not in (select o.job_id from own as o)
    ),
    ranked as (
        select f.*, row_number() over (partition by f.job_id order by f.id desc) as place
        from (select o.* from own as o union all select m.* from missed as m) as f
    ),
    told as (
        select
            f.job_id,
            count(*) filter (where f.completed_at is not null and f.place <= 50)::integer as recent,
            count(*) filter (where f.status = 'SUCCESS' and f.place <= 50)::integer as succeeded
        from ranked as f
        group by f.job_id
    )
    select
        j.id, j.slug, j.name, v.version, v.status, p.slug, v.trigger, v.integrations,
        exists (
            select 1 from perdure.pauses as z where perdure._stops(z, p_environment_id, j.id, j.concurrency_limit_id)
        ),
        f.id, f.status::text, f.created_at, coalesce(t.recent, 0), coalesce(t.succeeded, 0)
    from listed as j
    inner join perdure.job_versions as v on v.id = j.version_id
    inner join perdure.endpoints as p on p.id = v.endpoint_id
    left join ranked as f on f.job_id = j.id and f.place = 1
    left join told as t on t.job_id = j.id
    order by lower(j.name), j.slug;
end;
$$;
comment on function perdure.list_jobs(uuid, text) is 'The jobs of an environment, with how they do.';
