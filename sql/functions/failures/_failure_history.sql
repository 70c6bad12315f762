-- _failure_history: how often and when the failures of one fingerprint were, looking at the newest 10,001 at most.
-- Arguments  p_since   what failed before is not counted; null: everything is;
--            p_bucket  how long each part is into which the time since then is divided.
-- Returns    one row: count, first and last of them that were counted; how many were in each part, oldest first (null
--            without p_since); first_seen_at: the first of all.
-- Called by  list_failure_groups, get_failure_group.
create or replace function perdure._failure_history(
    p_environment_id uuid, p_fingerprint uuid, p_since timestamptz, p_bucket interval,
    out failures integer, out first_seen_at timestamptz, out last_seen_at timestamptz, out buckets integer[]
)
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    v_now constant timestamptz := perdure.clock();
begin
    with newest as materialized (
        select f.failed_at
        from perdure.run_failures as f
        where f.environment_id = p_environment_id and f.fingerprint = p_fingerprint
        order by f.run_id desc
        limit 10001
    ),
    parts as (
        select
            floor(extract(epoch from n.failed_at - p_since) / extract(epoch from p_bucket)) as part,
            count(*)::integer as failures,
            max(n.failed_at) as last_seen_at
        from newest as n
        where p_since is null or n.failed_at >= p_since
        group by 1
    )
    select
        coalesce(sum(p.failures), 0), max(p.last_seen_at),
        case when p_since is not null then array(
            select coalesce(x.failures, 0)
            from generate_series(
                0, floor(extract(epoch from v_now - p_since) / extract(epoch from p_bucket))
            ) as g (part)
            left join parts as x on x.part = g.part
            order by g.part
        ) end
    into failures, last_seen_at, buckets
    from parts as p;
    select f.failed_at into first_seen_at
    from perdure.run_failures as f
    where f.environment_id = p_environment_id and f.fingerprint = p_fingerprint
    order by f.run_id
    limit 1;
end;
$$;
comment on function perdure._failure_history(uuid, uuid, timestamptz, interval)
is 'How often and when failures of one kind were.';
