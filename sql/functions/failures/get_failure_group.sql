-- get_failure_group: one kind of failures of an environment: its newest one, and how often and when it was.
-- Arguments  p_window, p_bucket  as in list_failure_groups.
-- Returns    one row, as list_failure_groups; error: what the app said of the newest, without what is secret; no row:
--            there is none, or none any more.
-- Called by  the server, psql.
create or replace function perdure.get_failure_group(
    p_environment_id uuid, p_fingerprint uuid, p_window interval default null, p_bucket interval default '1 hour'
)
returns table (
    fingerprint uuid, job text, status text, error_name text, message text, task_key text, last_run_id uuid,
    failures integer, first_seen_at timestamptz, last_seen_at timestamptz, buckets integer[], error json
)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select
        f.fingerprint, f.job, f.status, f.error_name, f.message, f.task_key, f.run_id, h.failures, h.first_seen_at,
        h.last_seen_at, h.buckets, f.error
    from (
        select x.run_id
        from perdure.run_failures as x
        where x.environment_id = p_environment_id and x.fingerprint = p_fingerprint
        order by x.run_id desc
        limit 1
    ) as n
    inner join perdure_views.run_failures as f on f.run_id = n.run_id
    cross join lateral perdure._failure_history(
        p_environment_id, p_fingerprint, perdure._window_start(p_window, p_bucket), p_bucket
    ) as h;
$$;
comment on function perdure.get_failure_group(uuid, uuid, interval, interval) is 'One kind of failures.';
