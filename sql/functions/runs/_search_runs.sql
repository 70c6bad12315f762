-- _search_runs: runs that pass a filter, newest first. There is no index on most of what people look for, since those
-- would cost every run; instead it looks at one run after the other, by the index that leaves the fewest, and stops
-- after so many.
-- Arguments  p_below  only earlier ids than this one; null: from the newest;
--            p_take   most runs to find; p_most  most runs to look at; null: go on until p_take are found.
-- Returns    one row: the runs; how many were looked at; searched_to: there may be further ones below this id, null:
--            there are none.
-- Called by  list_runs, find_runs, _next_of_bulk_action.
create or replace function perdure._search_runs(
    p_filter perdure.run_filter, p_below uuid, p_take integer, p_most integer
)
returns table (run_ids uuid[], looked_at integer, searched_to uuid)
language plpgsql stable set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_source constant text := perdure._run_source(p_filter);
    v_reads_payloads constant boolean := p_filter.patterns is not null;
    v_below uuid := least(p_below, p_filter.to_id);
    v_size integer := p_take + 1;
    v_bytes_left bigint := case when v_reads_payloads and p_most is not null then 4000000 end;
    v_chunk record;
begin
    run_ids := '{}';
    looked_at := 0;
    loop
        v_size := least(v_size, p_most - looked_at);
        with chunk as materialized (
            select c.id, c.event_id, c.passes
            from perdure._scan_runs(p_filter, v_source, p_filter.from_id, v_below, v_size) as c
        ),
        judged as (
            select c.id, e.bytes, e.matches
            from chunk as c
            left join lateral (
                select pg_column_size(x.payload) as bytes, x.payload::text ilike any(p_filter.patterns) as matches
                from perdure_views.events as x
                where x.id = c.event_id
                limit 1
            ) as e on v_reads_payloads
            where c.passes
        )
        select
            (
                select array_agg(j.id order by j.id desc) from judged as j where not v_reads_payloads or j.matches
            ) as run_ids,
            (select sum(j.bytes) from judged as j) as bytes,
            (select count(*)::integer from chunk as c) as size,
            (select c.id from chunk as c order by c.id limit 1) as last_id
        into v_chunk;
        run_ids := run_ids || v_chunk.run_ids;
        looked_at := looked_at + v_chunk.size;
        if cardinality(run_ids) > p_take then
            run_ids := run_ids[:p_take];
            searched_to := run_ids[p_take];
            exit;
        end if;
        exit when v_chunk.size < v_size;  -- that was the last one
        v_below := v_chunk.last_id;
        v_bytes_left := v_bytes_left - coalesce(v_chunk.bytes, 0);
        if looked_at >= p_most or v_bytes_left < 0 then
            searched_to := v_below;
            exit;
        end if;
        v_size := least(v_size * 4, case when v_reads_payloads then 500 else 5000 end);
    end loop;
    return next;
end;
$$;
comment on function perdure._search_runs(perdure.run_filter, uuid, integer, integer) is 'Runs that pass a filter.';
