-- _lock_answered: lock deliveries that are answered, and the runs that the answers move, before anything is done: two
-- batches about the same runs, or a batch and whoever cancels runs, cannot wait for each other.
-- Locks      the deliveries in id order, then the runs of tasks (FETCH) and the runs (PREPROCESS) in id order.
-- Called by  apply_delivery_results.
create or replace function perdure._lock_answered(p_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    perform 1 from perdure.deliveries as d where d.id = any(p_ids) order by d.id for update;
    perform 1
    from perdure.runs as r
    where r.id in (
        select t.run_id
        from perdure.deliveries as d
        inner join perdure.tasks as t on t.id = d.subject_id
        where d.id = any(p_ids) and d.kind = 'FETCH'
        union all
        select d.subject_id from perdure.deliveries as d where d.id = any(p_ids) and d.kind = 'PREPROCESS'
    )
    order by r.id
    for update;
end;
$$;
comment on function perdure._lock_answered(uuid[]) is 'Lock deliveries that are answered, and their runs.';
