-- _scan_runs: the next runs by the index that leaves the fewest for a filter, newest first, each with whether it passes
-- the filter but for its patterns.
-- Arguments  p_source  of _run_source; p_from_id  not before this id; p_below  before this id; p_limit  most runs.
-- Called by  _search_runs, run_histogram: into their statements, which is why it has no settings of its own.
create or replace function perdure._scan_runs(
    p_filter perdure.run_filter, p_source text, p_from_id uuid, p_below uuid, p_limit integer
)
returns table (id uuid, event_id uuid, status text, passes boolean)
language sql stable
begin atomic
    with by_id as (
        (
            select x.id
            from unnest((p_filter).run_ids) as x (id)
            where p_source = 'run_ids' and x.id < p_below and x.id >= p_from_id
            order by x.id desc
            limit p_limit
        )
        union all
        (
            select l.run_id
            from perdure.leases as l
            where p_source = 'leases' and l.run_id < p_below and l.run_id >= p_from_id
            order by l.run_id desc
            limit p_limit
        )
        union all
        (
            select f.run_id
            from perdure.run_failures as f
            where
                p_source = 'fingerprint' and f.environment_id = (p_filter).environment_id
                and f.fingerprint = (p_filter).fingerprint and f.run_id < p_below and f.run_id >= p_from_id
            order by f.run_id desc
            limit p_limit
        )
        union all
        (
            select f.run_id
            from perdure.run_failures as f
            where
                p_source = 'failures' and f.environment_id = (p_filter).environment_id
                and f.run_id < p_below and f.run_id >= p_from_id
            order by f.run_id desc
            limit p_limit
        )
        union all
        (
            select t.run_id
            from perdure.run_tags as t
            where
                p_source = 'tags' and t.environment_id = (p_filter).environment_id and t.tag = (p_filter).tags[1]
                and t.run_id < p_below and t.run_id >= p_from_id
            order by t.run_id desc
            limit p_limit
        )
    ),

    chunk as (
        select
            r.id,
            r.environment_id,
            r.status,
            r.job_id,
            r.job_version_id,
            r.event_id,
            r.is_test
        from by_id as i
        -- limit keeps this a look-up by index for each, whatever the planner thinks of how few there are.
        cross join lateral (select x.* from perdure.runs as x where x.id = i.id limit 1) as r  -- noqa: AM09
        union all
        (
            select
                r.id,
                r.environment_id,
                r.status,
                r.job_id,
                r.job_version_id,
                r.event_id,
                r.is_test
            from perdure.runs as r
            where
                p_source = 'job'
                -- By pairs, so that no other index seems to do.
                and (r.job_id, r.id) < ((p_filter).job_id, p_below)
                and (r.job_id, r.id) >= ((p_filter).job_id, p_from_id)
            order by r.job_id desc, r.id desc
            limit p_limit
        )
        union all
        (
            select
                r.id,
                r.environment_id,
                r.status,
                r.job_id,
                r.job_version_id,
                r.event_id,
                r.is_test
            from perdure.runs as r
            where
                p_source = 'environment'
                and (r.environment_id, r.id) < ((p_filter).environment_id, p_below)
                and (r.environment_id, r.id) >= ((p_filter).environment_id, p_from_id)
            order by r.environment_id desc, r.id desc
            limit p_limit
        )
    )

    select
        c.id,
        c.event_id,
        c.status,
        c.environment_id = (p_filter).environment_id
        and c.job_id <> all((p_filter).hidden_job_ids)
        and ((p_filter).statuses is null or c.status = any((p_filter).statuses))
        and ((p_filter).job_id is null or c.job_id = (p_filter).job_id)
        and ((p_filter).job_version_ids is null or c.job_version_id = any((p_filter).job_version_ids))
        and ((p_filter).is_test is null or c.is_test = (p_filter).is_test)
        and (
            (p_filter).fingerprint is null
            or p_source = 'fingerprint'
            or exists (
                select 1
                from perdure.run_failures as f
                where f.run_id = c.id and f.fingerprint = (p_filter).fingerprint
            )
        )
        and (
            (p_filter).tags is null
            or (p_source = 'tags' and cardinality((p_filter).tags) = 1)
            or not exists (
                select 1
                from unnest((p_filter).tags) as w (tag)
                where not exists (select 1 from perdure.run_tags as o where o.run_id = c.id and o.tag = w.tag)
            )
        )
    from chunk as c;
end;
comment on function perdure._scan_runs(perdure.run_filter, text, uuid, uuid, integer) is 'The next runs of a filter.';
