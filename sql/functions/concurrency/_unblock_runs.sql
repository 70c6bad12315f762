-- _unblock_runs: executions under these limits have ended, or the limits were raised: queue as many of the runs kept
-- back as there is room for. Too many is harmless: a claim keeps them back again.
-- Arguments  p_limit_ids  null or empty: nothing to do.
-- Locks      the limits, in id order.
-- Called by  _pass_on_slots, apply_results, _cancel_runs, requeue_run, _store_limit, _use_limit.
create or replace function perdure._unblock_runs(p_limit_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_run_ids uuid[];
begin
    if coalesce(cardinality(p_limit_ids), 0) = 0 then
        return;
    end if;
    perform 1 from perdure.concurrency_limits as c where c.id = any(p_limit_ids) order by c.id for update;
    with unblocked as (
        delete from perdure.blocked_runs as b
        using perdure.concurrency_limits as c
        cross join lateral (
            select x.run_id
            from perdure.blocked_runs as x
            where x.concurrency_limit_id = c.id
            order by x.resumed desc, x.run_id
            limit greatest(
                c.max_executions
                - (select count(*) from perdure.leases as l where c.id = any(l.concurrency_limit_ids)), 0
            )
        ) as n
        where c.id = any(p_limit_ids) and b.run_id = n.run_id
        returning b.run_id
    )
    select array_agg(u.run_id order by u.run_id) into v_run_ids from unblocked as u;
    perform perdure._enqueue_runs(v_run_ids);
end;
$$;
comment on function perdure._unblock_runs(uuid[]) is 'Queue runs that concurrency limits kept back.';
