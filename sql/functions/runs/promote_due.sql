-- promote_due: do what time has brought: end runs that take too long, end waits and delays between attempts, end
-- backoffs, deliver delayed events, fire schedules, forget ephemeral subscriptions, look for events that waits may have
-- missed, take back expired leases, do a step of a bulk action; queue the runs that may go on.
-- Arguments  p_limit  most of each kind in one call; 1 to 1000. A kind that is not exhausted makes
--            next_due_ms 0.
-- Returns    one row: runs queued; events delivered, those of schedules among them; leases reaped; milliseconds until
--            the next thing is due, 0: at once, null: nothing is scheduled.
-- Errors     JQ010 invalid_argument: p_limit is null or out of range.
-- Locks      runs (skip locked) in id order, then their tasks. Calls may overlap.
-- Called by  the dispatcher, when something is due.
create or replace function perdure.promote_due(p_limit integer default 1000)
returns table (promoted_runs integer, delivered_events integer, reaped_leases integer, next_due_ms bigint)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_due record;
    v_run_ids uuid[];
begin
    if p_limit between 1 and 1000 is not true then
        perform perdure._check_limit('p_limit', p_limit);
    end if;
    promoted_runs := 0;
    delivered_events := 0;
    reaped_leases := 0;

    select d.* into v_due from perdure._due_times() as d;
    if v_due.time_limits <= v_now then
        perform perdure._end_overdue_runs(p_limit);
    end if;
    if v_due.backoffs <= v_now then
        v_run_ids := perdure._end_due_backoffs(p_limit);
        perform perdure._enqueue_runs(v_run_ids);
        promoted_runs := promoted_runs + cardinality(v_run_ids);
    end if;
    if v_due.waits <= v_now then
        promoted_runs := promoted_runs + cardinality(perdure._end_due_waits(p_limit));
    end if;
    if v_due.events <= v_now then
        delivered_events := delivered_events + perdure._deliver_due_events(p_limit);
    end if;
    if v_due.schedules <= v_now then
        delivered_events := delivered_events + perdure._fire_due_schedules(p_limit);
    end if;
    if v_due.subscriptions <= v_now then
        perform perdure._expire_dispatchers(p_limit);
    end if;
    if v_due.look_ups <= v_now then
        promoted_runs := promoted_runs + cardinality(perdure._look_up_events(p_limit));
    end if;
    if v_due.leases <= v_now then
        reaped_leases := perdure._reap_leases(p_limit);
    end if;
    if v_due.bulk_actions <= v_now then
        perform perdure._advance_bulk_action();
    end if;

    if v_due.first <= v_now then
        select d.* into v_due from perdure._due_times() as d;
    end if;
    next_due_ms := ceil(extract(epoch from v_due.first - v_now) * 1000)::bigint;
    if next_due_ms < 0 then  -- not greatest(): it passes over null, which here means that nothing is scheduled
        next_due_ms := 0;
    end if;
    return next;
end;
$$;
comment on function perdure.promote_due(integer) is 'Do what time has brought.';
