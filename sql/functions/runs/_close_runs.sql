-- _close_runs: what follows when runs end, however they end: their open tasks end too, whoever wants to know is told.
-- Arguments  p_run_ids  runs that have just become final, locked by the caller; null or empty: nothing to do.
-- Called by  apply_results, _end_unclaimable_runs, _end_overdue_runs, _cancel_runs.
create or replace function perdure._close_runs(p_run_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_event_wait_ids uuid[];
begin
    if coalesce(cardinality(p_run_ids), 0) = 0 then
        return;
    end if;
    with closed as (
        update perdure.tasks as t
        set
            status = case when r.status in ('TIMED_OUT', 'CANCELED') then 'CANCELED' else 'ERRORED' end,
            completed_at = v_now,
            due_at = null,
            updated_at = v_now
        from perdure.runs as r
        where r.id = any(p_run_ids) and t.run_id = r.id and t.status in ('PENDING', 'WAITING', 'RUNNING')
        returning t.id, t.effect
    )
    select array_agg(c.id) into v_event_wait_ids from closed as c where c.effect = 'waitForEvent';
    if v_event_wait_ids is not null then
        perform perdure._forget_event_waits(v_event_wait_ids);
    end if;
    delete from perdure.blocked_runs as b where b.run_id = any(p_run_ids);
    perform perdure._notify_run_ends(p_run_ids);
end;
$$;
comment on function perdure._close_runs(uuid[]) is 'What follows when runs end.';
