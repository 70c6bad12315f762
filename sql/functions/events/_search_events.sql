-- _search_events: events that pass a filter, newest first. There is no index on most of what people look for, since
-- those would cost every event; instead it looks at one event after the other and stops after so many, or after so much
-- payload.
-- Arguments  p_filter  as of find_events, checked; p_below  only earlier ids than this one; null: from the newest;
--            p_take    most events to find.
-- Returns    one row: the events; how many were looked at; searched_to: there may be further ones below this id, null:
--            there are none.
-- Called by  find_events.
create or replace function perdure._search_events(p_environment_id uuid, p_filter jsonb, p_below uuid, p_take integer)
returns table (event_ids uuid[], looked_at integer, searched_to uuid)
language plpgsql stable set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_name constant text := p_filter ->> 'name';
    v_source constant text := p_filter ->> 'source';
    v_state constant text := p_filter ->> 'state';
    v_is_test constant boolean := (p_filter ->> 'isTest')::boolean;
    v_text constant text := p_filter ->> 'text';
    v_from constant uuid := coalesce(perdure._first_id(perdure._to_instant(p_filter ->> 'from')), perdure._to_uuid(
        '00000000-0000-0000-0000-000000000000'
    ));
    v_ids constant uuid[] := perdure._few_events(p_environment_id, p_filter, 2000);
    v_patterns constant text[] := perdure._payload_patterns(v_text);
    v_most constant integer := case when v_text is null then 10000 else 3000 end;
    v_below uuid := least(
        p_below, perdure._first_id(perdure._to_instant(p_filter ->> 'to')),
        perdure._to_uuid('ffffffff-ffff-ffff-ffff-ffffffffffff')
    );
    v_bytes_left bigint := 4000000;
    v_size integer := p_take + 1;
    v_chunk record;
begin
    event_ids := '{}';
    looked_at := 0;
    loop
        v_size := least(v_size, v_most - looked_at);
        with by_id as (
            select i.id
            from unnest(v_ids) as i (id)
            where i.id < v_below and i.id >= v_from
            order by i.id desc
            limit v_size
        ),
        chunk as materialized (
            select
                e.id, e.environment_id, e.event_id, e.name, e.source, e.is_test, e.due_at, e.cancelled_at,
                e.payload_type, case when v_text is not null then e.payload end as payload
            from by_id as i
            -- limit keeps this a look-up by index for each, whatever the planner thinks of how few there are.
            cross join lateral (select x.* from perdure.events as x where x.id = i.id limit 1) as e
            union all
            (
                select
                    e.id, e.environment_id, e.event_id, e.name, e.source, e.is_test, e.due_at, e.cancelled_at,
                    e.payload_type, case when v_text is not null then e.payload end
                from perdure.events as e
                where v_ids is null and e.id < v_below and e.id >= v_from
                order by e.id desc
                limit v_size
            )
        ),
        passing as (
            select c.id, c.event_id, c.name, c.payload_type, c.payload
            from chunk as c
            where
                c.environment_id = p_environment_id
                and (
                    v_name is null or c.name = v_name
                    or right(v_name, 1) = '*' and starts_with(c.name, left(v_name, -1))
                )
                and (v_source is null or c.source = v_source)
                and (v_is_test is null or c.is_test = v_is_test)
                and (
                    v_state is null
                    or v_state = case
                        when c.due_at is not null then 'PENDING'
                        when c.cancelled_at is not null then 'CANCELED'
                        else 'DELIVERED'
                    end
                )
        ),
        judged as materialized (
            select
                p.id,
                pg_column_size(p.payload) as bytes,
                v_text is null or v_text in (p.event_id, p.id::text)
                or case
                    -- What the view hides is not found.
                    when p.payload_type = 'REQUEST' or starts_with(p.name, 'dev.trigger.')
                        then (select x.payload from perdure_views.events as x where x.id = p.id)
                    else p.payload
                end::text ilike any(v_patterns) as matches
            from passing as p
        )
        select
            (select array_agg(j.id order by j.id desc) from judged as j where j.matches) as event_ids,
            (select sum(j.bytes) from judged as j) as bytes,
            (select count(*)::integer from chunk as c) as size,
            (select c.id from chunk as c order by c.id limit 1) as last_id
        into v_chunk;
        event_ids := event_ids || v_chunk.event_ids;
        looked_at := looked_at + v_chunk.size;
        if cardinality(event_ids) > p_take then
            event_ids := event_ids[:p_take];
            searched_to := event_ids[p_take];
            exit;
        end if;
        exit when v_chunk.size < v_size;  -- that was the last one
        v_below := v_chunk.last_id;
        v_bytes_left := v_bytes_left - coalesce(v_chunk.bytes, 0);
        if looked_at >= v_most or v_bytes_left < 0 then
            searched_to := v_below;
            exit;
        end if;
        v_size := least(v_size * 4, case when v_text is null then 5000 else 500 end);
    end loop;
    return next;
end;
$$;
comment on function perdure._search_events(uuid, jsonb, uuid, integer) is 'Events that pass a filter.';
