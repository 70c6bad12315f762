-- _dequeue_connected_runs: as _dequeue_runs, from the queue of the apps that are connected: only what these may have.
-- pgmq cannot choose by what a message says before 1.5, and walks all others for it later; the queue has an index of
-- ours for that.
-- Arguments  p_endpoint_ids  whose runs.
create or replace function perdure._dequeue_connected_runs(p_limit integer, p_endpoint_ids uuid[])
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_run_ids uuid[];
begin
    with chosen as materialized (
        select m.msg_id
        from unnest(p_endpoint_ids) as e (id)
        cross join lateral (
            select q.msg_id
            from pgmq.q_perdure_connected_runs as q
            where q.message ->> 'endpoint_id' = e.id::text
            order by q.msg_id
            limit p_limit
            for update skip locked
        ) as m
        order by m.msg_id
        limit p_limit
    ),
    taken as (
        delete from pgmq.q_perdure_connected_runs as q
        using chosen as c
        where q.msg_id = c.msg_id
        returning q.message
    )
    select array_agg(distinct i.run_id order by i.run_id) into v_run_ids
    from (select perdure._to_uuid(t.message ->> 'run_id') as run_id from taken as t) as i;
    return coalesce(v_run_ids, '{}');
end;
$$;
comment on function perdure._dequeue_connected_runs(integer, uuid[])
is 'Take run ids of connected apps out of the queue.';
