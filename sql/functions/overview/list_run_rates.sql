-- list_run_rates: how many runs an environment began in each part of a time until now, how they stand, how long they
-- waited before they were executed, and how long they took. A part is looked at in four places, at 30 runs each: with
-- more than that the figures are estimates, and the number of runs does not matter.
-- Arguments  p_window, p_bucket  as in _window_start.
-- Returns    a row for each part, oldest first: runs, of which succeeded, failed, cancelled and unfinished; sampled:
--            these are estimates; milliseconds from a run's creation to its first execution, and from that to its end,
--            that half and 95 of 100 of those looked at did not exceed (null: none).
-- Errors     JQ010 invalid_argument.
-- Called by  the server.
create or replace function perdure.list_run_rates(p_environment_id uuid, p_window interval, p_bucket interval)
returns table (
    began_at timestamptz, runs integer, succeeded integer, failed integer, cancelled integer, unfinished integer,
    sampled boolean, wait_p50_ms double precision, wait_p95_ms double precision, duration_p50_ms double precision,
    duration_p95_ms double precision
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
    c_looked_at constant integer := 30;
    v_now constant timestamptz := perdure.clock();
    v_since constant timestamptz := perdure._window_start(coalesce(p_window, interval '0'), p_bucket);
begin
    return query
    with places as (
        select
            g.began_at,
            g.began_at + p_bucket * (i.number / 4.0) as from_at,
            g.began_at + p_bucket * ((i.number + 1) / 4.0) as to_at
        from generate_series(v_since, v_now, p_bucket) as g (began_at)
        cross join generate_series(0, 3) as i (number)
    ),
    looked_at as (
        select
            p.began_at,
            r.status,
            date_part('epoch', r.started_at - r.created_at) * 1000 as wait_ms,
            date_part('epoch', r.completed_at - r.started_at) * 1000 as duration_ms,
            count(*) over place = c_looked_at as sampled,
            -- How many runs each of those looked at stands for.
            case
                when count(*) over place < c_looked_at then 1.0
                else greatest(
                    date_part('epoch', least(p.to_at, v_now) - p.from_at)
                    / greatest(date_part('epoch', max(r.created_at) over place - p.from_at), 0.001),
                    1
                )
            end as weight
        from places as p
        cross join lateral (
            select x.status, x.created_at, x.started_at, x.completed_at
            from perdure.runs as x
            where
                x.environment_id = p_environment_id
                and x.id >= perdure._id_at((date_part('epoch', p.from_at) * 4096000)::bigint, '0000000000000000')
                and x.id < perdure._id_at((date_part('epoch', p.to_at) * 4096000)::bigint, '0000000000000000')
            order by x.id
            limit c_looked_at
        ) as r
        window place as (partition by p.from_at)
    )
    select
        g.began_at,
        coalesce(round(sum(l.weight)), 0)::integer,
        coalesce(round(sum(l.weight) filter (where l.status = 'SUCCESS')), 0)::integer,
        coalesce(round(sum(l.weight) filter (
            where l.status in ('FAILURE', 'TIMED_OUT', 'ABORTED', 'UNRESOLVED_AUTH', 'INVALID_PAYLOAD')
        )), 0)::integer,
        coalesce(round(sum(l.weight) filter (where l.status = 'CANCELED')), 0)::integer,
        coalesce(round(sum(l.weight) filter (where not perdure._is_final(l.status))), 0)::integer,
        coalesce(bool_or(l.sampled), false),
        (percentile_cont(array[0.5, 0.95]) within group (order by l.wait_ms))[1],
        (percentile_cont(array[0.5, 0.95]) within group (order by l.wait_ms))[2],
        (percentile_cont(array[0.5, 0.95]) within group (order by l.duration_ms))[1],
        (percentile_cont(array[0.5, 0.95]) within group (order by l.duration_ms))[2]
    from generate_series(v_since, v_now, p_bucket) as g (began_at)
    left join looked_at as l on l.began_at = g.began_at
    group by g.began_at
    order by g.began_at;
end;
$$;
comment on function perdure.list_run_rates(uuid, interval, interval) is 'How many runs began, and what became of them.';
