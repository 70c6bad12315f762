-- _queued_run_ids: the runs that have a message in one of the queues, without taking it.
-- Called by  doctor.
create or replace function perdure._queued_run_ids()
returns setof uuid
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select perdure._to_uuid(q.message ->> 'run_id') from pgmq.q_perdure_ready_runs as q
    union all
    select perdure._to_uuid(q.message ->> 'run_id') from pgmq.q_perdure_connected_runs as q;
end;
$$;
comment on function perdure._queued_run_ids() is 'Runs that have a message in a queue.';
