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
    v_any_open boolean;
    v_any_blocked boolean;
    v_any_subscribed boolean;
    v_any_taken boolean;
begin
    if cardinality(p_run_ids) > 0 is not true then
        return;
    end if;
    -- One look tells what there is to do, which is nothing for most runs.
    select
        exists (
            select 1
            from perdure.tasks as t
            where t.run_id = any(p_run_ids) and t.status in ('PENDING', 'WAITING', 'RUNNING')
        ),
        exists (select 1 from perdure.blocked_runs),
        exists (select 1 from perdure.run_subscriptions),
        exists (select 1 from perdure.taken_events)
    into v_any_open, v_any_blocked, v_any_subscribed, v_any_taken;
    if v_any_open then
        with closed as (
            update perdure.tasks as t
            set
                status = case (
                    select r.status in ('TIMED_OUT', 'CANCELED') from perdure.runs as r where r.id = t.run_id
                ) when true then 'CANCELED' else 'ERRORED' end,
                completed_at = v_now,
                due_at = null,
                updated_at = v_now
            where t.run_id = any(p_run_ids) and t.status in ('PENDING', 'WAITING', 'RUNNING')
            returning t.id, t.effect
        )
        select array_agg(c.id) into v_event_wait_ids from closed as c where c.effect = 'waitForEvent';
        if v_event_wait_ids is not null then
            perform perdure._forget_event_waits(v_event_wait_ids);
        end if;
    end if;
    if v_any_blocked then
        delete from perdure.blocked_runs as b where b.run_id = any(p_run_ids);
    end if;
    if v_any_subscribed then
        perform perdure._notify_run_ends(p_run_ids);
    end if;
    if v_any_taken then
        -- One that has succeeded is not continued: no wait of it will look for events any more.
        delete from perdure.taken_events as k
        where k.run_id = any(array(
            select r.id from perdure.runs as r where r.id = any(p_run_ids) and r.status = 'SUCCESS'
        ));
    end if;
end;
$$;
comment on function perdure._close_runs(uuid[]) is 'What follows when runs end.';
