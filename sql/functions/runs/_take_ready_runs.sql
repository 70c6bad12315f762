-- _take_ready_runs: runs from the queue become EXECUTING, unless their version is disabled, or a pause or a limit stops
-- them, or their app is of the other kind: then they end here, are kept back, or go into the other queue.
-- Arguments  p_run_ids  in ascending order, without duplicates.
-- Returns    which ones became that.
-- Locks      runs in id order, pauses (shared), then concurrency limits.
-- Called by  claim_runs.
create or replace function perdure._take_ready_runs(p_run_ids uuid[], p_dispatcher text, p_connected boolean)
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_taken_ids constant uuid[] := perdure._begin_executions(p_run_ids, p_dispatcher, p_connected, false);
    v_left_ids uuid[];
begin
    if cardinality(v_taken_ids) = cardinality(p_run_ids) then  -- most need no more
        return v_taken_ids;
    end if;
    v_left_ids := array(
        select r.id from perdure.runs as r where r.id = any(p_run_ids) and r.status <> 'EXECUTING' order by r.id
    );
    v_left_ids := perdure._keep_rightly_queued(v_left_ids, p_connected);
    perform perdure._end_unclaimable_runs(v_left_ids);
    return v_taken_ids || perdure._begin_executions(
        perdure._admit_runs(perdure._stop_paused_runs(v_left_ids)), p_dispatcher, p_connected, true
    );
end;
$$;
comment on function perdure._take_ready_runs(uuid[], text, boolean) is 'Runs from the queue become EXECUTING.';
