-- _enqueue_runs: put runs that may be executed now into the queue. The message carries the id, nothing else.
-- pgmq is known to _enqueue_runs, _dequeue_runs and _queued_run_ids only.
-- Arguments  p_run_ids  null or empty: nothing to do.
create or replace function perdure._enqueue_runs(p_run_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce(cardinality(p_run_ids), 0) = 0 then
        return;
    end if;
    perform pgmq.send_batch(
        'perdure_ready_runs', array(select jsonb_build_object('run_id', r.id) from unnest(p_run_ids) as r (id))
    );
    perform perdure._notify_dispatchers('runs');
end;
$$;
comment on function perdure._enqueue_runs(uuid[]) is 'Queue runs that may be executed now.';
