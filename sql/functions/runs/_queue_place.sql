-- _queue_place: the place of a run in its queue, without taking it.
-- Arguments  p_connected  its app is connected: the place among the runs of that app.
-- Returns    1: it is the next; null: it is not among the first 10,000, or not there.
-- Called by  _explain_ready_run.
create or replace function perdure._queue_place(p_run_id uuid, p_endpoint_id uuid, p_connected boolean)
returns integer
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if p_connected then
        return (
            select q.place
            from (
                select m.message ->> 'run_id' as run_id, row_number() over (order by m.msg_id)::integer as place
                from pgmq.q_perdure_connected_runs as m
                where m.message ->> 'endpoint_id' = p_endpoint_id::text
                order by m.msg_id
                limit 10000
            ) as q
            where q.run_id = p_run_id::text
            order by q.place
            limit 1
        );
    end if;
    return (
        select q.place
        from (
            select m.message ->> 'run_id' as run_id, row_number() over (order by m.msg_id)::integer as place
            from pgmq.q_perdure_ready_runs as m
            order by m.msg_id
            limit 10000
        ) as q
        where q.run_id = p_run_id::text
        order by q.place
        limit 1
    );
end;
$$;
comment on function perdure._queue_place(uuid, uuid, boolean) is 'The place of a run in its queue.';
