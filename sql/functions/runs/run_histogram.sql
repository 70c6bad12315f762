-- run_histogram: how many of the runs that pass a filter were created when, by how they stand. Some thousand are
-- counted one by one; of more, a sample, spread over the whole time.
-- Arguments  p_filter   as _read_run_filter takes it, its text passed over unless that is an id; from: else 24 hours
--            ago; to: else now;
--            p_buckets  1 to 200 spans of time, all as long.
-- Returns    a row for each span, oldest first; is_exact: counted, not sampled.
-- Errors     JQ010 invalid_argument: names the member of p_filter, or p_buckets; from is not before to.
-- Called by  the dashboard, psql.
create or replace function perdure.run_histogram(
    p_environment_id uuid, p_filter jsonb default '{}', p_buckets integer default 48
)
returns table (
    starts_at timestamptz, ends_at timestamptz, succeeded bigint, failed bigint, canceled bigint, open bigint,
    is_exact boolean
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_filter constant perdure.run_filter := perdure._read_run_filter(p_environment_id, p_filter);
    v_source constant text := perdure._run_source(v_filter);
    v_to constant timestamptz := coalesce((p_filter ->> 'to')::timestamptz, perdure.clock());
    v_from constant timestamptz := coalesce((p_filter ->> 'from')::timestamptz, v_to - interval '24 hours');
    v_bucket constant interval := (v_to - v_from) / p_buckets;
    -- Runs looked at: as many as take some 20 ms.
    v_most constant integer := case v_source when 'environment' then 8000 when 'job' then 5000 else 1500 end;
    v_most_failed constant integer := 200;  -- of a bucket
    -- Failures are few, and each matters: they are counted all the same where nothing else than the job matters.
    v_counts_failures constant boolean := v_source in ('environment', 'job')
    and v_filter.job_version_ids is null and v_filter.statuses is null and v_filter.is_test is null;
    v_slots integer := 1;  -- of each bucket; a pair is sampled together
    v_most_of_slot integer := v_most;
begin
    if p_buckets between 1 and 200 is not true then
        raise exception using
            errcode = 'JQ010',
            message = format('p_buckets must be in 1..200, not %s', coalesce(p_buckets::text, 'null'));
    end if;
    if v_from >= v_to then
        raise exception using errcode = 'JQ010', message = 'from of the filter must be before to';
    end if;
    if
        (
            select count(*)
            from perdure._scan_runs(v_filter, v_source, perdure._first_id(v_from), perdure._first_id(v_to), v_most)
        ) = v_most
    then
        v_slots := 4;
        v_most_of_slot := v_most / (p_buckets * v_slots);
    end if;

    return query
    with slots as (
        select
            b.number as bucket, s.number / 2 as pair,
            v_from + v_bucket * b.number + v_bucket / v_slots * s.number as from_at,
            v_from + v_bucket * b.number + v_bucket / v_slots * (s.number + 1) as to_at
        from generate_series(0, p_buckets - 1) as b (number)
        cross join generate_series(0, v_slots - 1) as s (number)
    ),
    looks as (
        select
            s.bucket, s.pair, s.to_at - s.from_at as span, x.size < v_most_of_slot as is_exact, x.size, x.succeeded,
            x.failed, x.canceled, x.open,
            -- How far back the newest of the slot reach.
            case
                when x.size < v_most_of_slot then s.to_at - s.from_at
                else greatest(s.to_at - perdure._id_time(x.last_id), interval '0')
            end as reach
        from slots as s
        cross join lateral (
            select
                count(*) as size,
                (array_agg(r.id order by r.id))[1] as last_id,
                count(*) filter (where r.passes and r.status = 'SUCCESS') as succeeded,
                count(*) filter (where r.passes and r.status = any(perdure._failed_statuses())) as failed,
                count(*) filter (where r.passes and r.status = 'CANCELED') as canceled,
                count(*) filter (where r.passes and r.status = any(perdure._open_statuses())) as open
            from perdure._scan_runs(
                v_filter, v_source, perdure._first_id(s.from_at), perdure._first_id(s.to_at), v_most_of_slot
            ) as r
        ) as x
    ),
    pairs as (
        select
            l.bucket, bool_and(l.is_exact) as is_exact, sum(l.succeeded) as succeeded, sum(l.failed) as failed,
            sum(l.canceled) as canceled, sum(l.open) as open,
            -- Two slots together: one that ends in a burst, and so reaches back no time at all, says little alone.
            extract(epoch from sum(l.span)) / extract(epoch from greatest(sum(l.reach), sum(l.span) / 1000)) as factor
        from looks as l
        group by l.bucket, l.pair
    ),
    buckets as (
        select
            v_from + v_bucket * p.bucket as from_at, v_from + v_bucket * (p.bucket + 1) as to_at,
            sum(p.succeeded * p.factor)::bigint as succeeded, sum(p.failed * p.factor)::bigint as failed,
            sum(p.canceled * p.factor)::bigint as canceled, sum(p.open * p.factor)::bigint as open,
            bool_and(p.is_exact) as is_exact
        from pairs as p
        group by p.bucket
    )
    select
        b.from_at, b.to_at, b.succeeded,
        case when f.failed < v_most_failed then f.failed else greatest(b.failed, f.failed) end,
        b.canceled, b.open, b.is_exact
    from buckets as b
    left join lateral (
        select count(*) as failed
        from (
            select 1
            from perdure.run_failures as x
            where
                x.environment_id = p_environment_id
                and x.run_id >= perdure._first_id(b.from_at) and x.run_id < perdure._first_id(b.to_at)
                and x.job_id <> all(v_filter.hidden_job_ids)
                and (v_filter.job_id is null or x.job_id = v_filter.job_id)
            limit v_most_failed
        ) as x
    ) as f on v_counts_failures and not b.is_exact
    order by b.from_at;
end;
$$;
comment on function perdure.run_histogram(uuid, jsonb, integer) is 'When the runs that pass a filter were created.';
