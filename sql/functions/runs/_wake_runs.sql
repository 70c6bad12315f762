-- _wake_runs: let runs go on of which a task that waited was ended by a call. One that is executing learns of it
-- when its reply comes.
-- Arguments  p_run_ids  locked by the caller; null or empty: nothing to do.
-- Called by  upsert_tasks, finish_tasks.
create or replace function perdure._wake_runs(p_run_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_woken_ids uuid[];
begin
    if coalesce(cardinality(p_run_ids), 0) = 0 then
        return;
    end if;
    with woken as (
        update perdure.runs as r
        set status = 'WAITING_TO_EXECUTE', updated_at = perdure.clock()
        where r.id = any(p_run_ids) and r.status = 'WAITING_TO_CONTINUE'
        returning r.id
    )
    select array_agg(w.id order by w.id) into v_woken_ids from woken as w;
    perform perdure._enqueue_runs(v_woken_ids);
end;
$$;
comment on function perdure._wake_runs(uuid[]) is 'Let runs go on whose task was ended by a call.';
