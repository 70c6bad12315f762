-- _enqueue_runs: put runs that may be executed now into their queue: the one that dispatchers serve, or that of the
-- apps that are connected. The message carries the id, and in the second queue whose it is; no state. pgmq is known to
-- _enqueue_runs, _dequeue_runs and _queued_run_ids only; they use its tables, which all its versions have alike: its
-- functions make their statements anew in each call.
-- Arguments  p_run_ids  null or empty: nothing to do.
create or replace function perdure._enqueue_runs(p_run_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_called_ids uuid[] := p_run_ids;
begin
    if coalesce(cardinality(p_run_ids), 0) = 0 then
        return;
    end if;
    if exists (select 1 from perdure.endpoints as p where p.connected) then
        v_called_ids := array(
            select r.id
            from unnest(p_run_ids) with ordinality as i (id, ordinal)
            inner join perdure.runs as r on r.id = i.id
            inner join perdure.endpoints as p on p.id = r.endpoint_id and not p.connected
            order by i.ordinal
        );
        insert into pgmq.q_perdure_connected_runs (vt, message)
        select clock_timestamp(), jsonb_build_object('run_id', r.id, 'endpoint_id', p.id)
        from unnest(p_run_ids) with ordinality as i (id, ordinal)
        inner join perdure.runs as r on r.id = i.id
        inner join perdure.endpoints as p on p.id = r.endpoint_id and p.connected
        order by i.ordinal;
        if found then
            perform perdure._notify_dispatchers('connected');
        end if;
    end if;
    if v_called_ids <> '{}' then
        insert into pgmq.q_perdure_ready_runs (vt, message)
        select clock_timestamp(), jsonb_build_object('run_id', i.id) from unnest(v_called_ids) as i (id);
        perform perdure._notify_dispatchers('runs');
    end if;
end;
$$;
comment on function perdure._enqueue_runs(uuid[]) is 'Queue runs that may be executed now.';
