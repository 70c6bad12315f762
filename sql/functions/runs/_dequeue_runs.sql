-- _dequeue_runs: take run ids out of the queue, oldest first. The message is gone with the claim's commit;
-- from then on the lease in our own row answers for the run (ADR 0002: one index-only delete instead of a
-- hidden message to be deleted later). pgmq is known to _enqueue_runs, _dequeue_runs and _queued_run_ids
-- only.
-- Returns    ids in ascending order, without duplicates; empty when nothing is ready. Null for messages that
--            carry no id.
create or replace function perdure._dequeue_runs(p_limit integer)
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_msg_ids bigint[];
    v_run_ids uuid[];
begin
    if to_regprocedure('pgmq.pop(text, integer)') is not null then
        select array_agg(distinct i.run_id order by i.run_id) into v_run_ids
        from pgmq.pop('perdure_ready_runs', p_limit) as m
        cross join lateral perdure._to_uuid(m.message ->> 'run_id') as i (run_id);
    else  -- pgmq before 1.7 pops single messages only
        select array_agg(m.msg_id), array_agg(distinct i.run_id order by i.run_id) into v_msg_ids, v_run_ids
        from pgmq.read('perdure_ready_runs', 60, p_limit) as m
        cross join lateral perdure._to_uuid(m.message ->> 'run_id') as i (run_id);
        perform pgmq.delete('perdure_ready_runs', v_msg_ids);
    end if;
    return coalesce(v_run_ids, '{}');
end;
$$;
comment on function perdure._dequeue_runs(integer) is 'Take run ids out of the queue.';
