-- list_failure_groups: the kinds of failures of an environment, those that look alike together, the one whose run is
-- the newest first. Steps from fingerprint to fingerprint by the index, at most 2,000 of them, and counts only those of
-- the page: how many failures there are matters little.
-- Arguments  p_job     only this job's, a slug; null: of all;
--            p_window  only those seen in this time until now, and counted in it; null: whenever;
--            p_bucket  how long each part of it is, which buckets counts (_window_start);
--            p_before  last_run_id of the last one of the page before; p_limit  1 to 1000.
-- Returns    a row for each: the newest failure; failures: how many, 10,001 stands for more than 10,000; first_seen_at
--            of all; last_seen_at, buckets.
-- Errors     JQ010 invalid_argument.
-- Called by  the server, psql.
create or replace function perdure.list_failure_groups(
    p_environment_id uuid, p_job text default null, p_window interval default null,
    p_bucket interval default '1 hour', p_before uuid default null, p_limit integer default 25
)
returns table (
    fingerprint uuid, job text, status text, error_name text, message text, task_key text, last_run_id uuid,
    failures integer, first_seen_at timestamptz, last_seen_at timestamptz, buckets integer[]
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_since constant timestamptz := perdure._window_start(p_window, p_bucket);
begin
    perform perdure._check_limit('p_limit', p_limit);
    return query
    with recursive kinds as (
        (
            select f.fingerprint, f.run_id
            from perdure.run_failures as f
            where f.environment_id = p_environment_id
            order by f.fingerprint desc, f.run_id desc
            limit 1
        )
        union all
        select n.fingerprint, n.run_id
        from kinds as k
        cross join lateral (
            select f.fingerprint, f.run_id
            from perdure.run_failures as f
            where f.environment_id = p_environment_id and f.fingerprint < k.fingerprint
            order by f.fingerprint desc, f.run_id desc
            limit 1
        ) as n
    ),
    page as materialized (
        select f.*, j.slug as job
        from (select k.run_id from kinds as k limit 2000) as k
        inner join perdure.run_failures as f on f.run_id = k.run_id
        inner join perdure.jobs as j on j.id = f.job_id
        where
            (p_before is null or f.run_id < p_before)
            and (p_job is null or j.slug = p_job)
            and (v_since is null or f.failed_at >= v_since)
        order by f.run_id desc
        limit p_limit
    )
    select
        p.fingerprint, p.job, p.status, p.error_name, p.message, p.task_key, p.run_id, h.failures, h.first_seen_at,
        h.last_seen_at, h.buckets
    from page as p
    cross join lateral perdure._failure_history(p_environment_id, p.fingerprint, v_since, p_bucket) as h
    order by p.run_id desc;
end;
$$;
comment on function perdure.list_failure_groups(uuid, text, interval, interval, uuid, integer)
is 'The kinds of failures of an environment.';
