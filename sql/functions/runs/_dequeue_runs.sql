-- _dequeue_runs: take run ids out of the queue, oldest first. The message is gone with the claim's commit;
-- from then on the lease in our own row answers for the run (ADR 0002: one index-only delete instead of a
-- hidden message to be deleted later). As pgmq.pop does it, without making the statement anew in each call. pgmq is
-- known to the functions only that _enqueue_runs names.
-- What was taken stays in the table until vacuum may remove it, which a transaction with an old snapshot prevents as
-- long as it lasts; and each claim walks past all that is left. So a queue that is empty and large is truncated, unless
-- somebody is using it.
-- Returns    ids in ascending order, without duplicates; empty when nothing is ready. Null for messages that
--            carry no id.
create or replace function perdure._dequeue_runs(p_limit integer)
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_run_ids uuid[];
begin
    with taken as (
        delete from pgmq.q_perdure_ready_runs as q
        where
            q.msg_id = any(array(
                select m.msg_id
                from pgmq.q_perdure_ready_runs as m
                where m.vt <= clock_timestamp()
                order by m.msg_id
                limit p_limit
                for update skip locked
            ))
        returning q.message
    )
    select array_agg(distinct i.run_id order by i.run_id) into v_run_ids
    from (select perdure._to_uuid(t.message ->> 'run_id') as run_id from taken as t) as i;
    if v_run_ids is null and pg_relation_size('pgmq.q_perdure_ready_runs') > 2 * 1024 * 1024 then
        begin
            lock table pgmq.q_perdure_ready_runs in access exclusive mode nowait;
            if not exists (select 1 from pgmq.q_perdure_ready_runs) then
                truncate pgmq.q_perdure_ready_runs;
            end if;
        exception
            when lock_not_available then
                null;  -- the next claim that finds nothing tries again
        end;
    end if;
    return coalesce(v_run_ids, '{}');
end;
$$;
comment on function perdure._dequeue_runs(integer) is 'Take run ids out of the queue.';
