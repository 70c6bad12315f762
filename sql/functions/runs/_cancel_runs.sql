-- _cancel_runs: cancel runs that are not finished. A live execution learns of it at its next task call, and
-- its reply is dropped.
-- Returns    the runs cancelled by this call.
-- Locks      the runs, in id order; concurrency limits.
-- Called by  cancel_run, _cancel_runs_json, _bulk_cancel.
create or replace function perdure._cancel_runs(p_run_ids uuid[])
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_cancelled_ids uuid[];
    v_limit_ids uuid[];
begin
    with locked as (
        select r.id from perdure.runs as r where r.id = any(p_run_ids) order by r.id for update
    ),
    cancelled as (
        update perdure.runs as r
        set status = 'CANCELED', completed_at = v_now, due_at = null, timeout_at = null, updated_at = v_now
        from locked as l
        where r.id = l.id and r.completed_at is null
        returning r.id
    )
    select coalesce(array_agg(c.id order by c.id), '{}') into v_cancelled_ids from cancelled as c;

    with given_up as (
        delete from perdure.leases as l where l.run_id = any(v_cancelled_ids) returning l.concurrency_limit_ids
    )
    select array_agg(distinct i.id) into v_limit_ids
    from given_up as g
    cross join lateral unnest(g.concurrency_limit_ids) as i (id);
    perform perdure._close_runs(v_cancelled_ids);
    perform perdure._unblock_runs(v_limit_ids);
    return v_cancelled_ids;
end;
$$;
comment on function perdure._cancel_runs(uuid[]) is 'Cancel unfinished runs.';
