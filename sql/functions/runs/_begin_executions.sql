-- _begin_executions: ready runs become EXECUTING.
-- Arguments  p_run_ids    in ascending order;
--            p_connected  as of _goes_at_once;
--            p_looked_at  a closer look was taken, and all of them may be executed; false: those that go at once do.
-- Returns    which ones became that.
-- Locks      runs in id order.
-- Called by  _take_ready_runs.
create or replace function perdure._begin_executions(
    p_run_ids uuid[], p_dispatcher text, p_connected boolean, p_looked_at boolean
)
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_begun_ids uuid[];
begin
    with begun as (
        update perdure.runs as r
        set
            status = 'EXECUTING',
            lease_number = r.lease_number + 1,
            started_at = coalesce(r.started_at, v_now),
            updated_at = v_now,
            dispatcher = p_dispatcher
        where
            r.id = any(p_run_ids) and r.status in ('QUEUED', 'WAITING_TO_EXECUTE') and r.due_at is null
            -- Not a join, which could change the order in which runs are locked.
            and (
                p_looked_at
                or (
                    select g.goes_at_once
                    from perdure.job_versions as v
                    cross join lateral perdure._goes_at_once(
                        v, r.endpoint_id, r.execution_count, r.duration_ms, p_connected
                    ) as g
                    where v.id = r.job_version_id
                )
            )
        returning r.id
    )
    select coalesce(array_agg(b.id), '{}') into v_begun_ids from begun as b;
    return v_begun_ids;
end;
$$;
comment on function perdure._begin_executions(uuid[], text, boolean, boolean) is 'Ready runs become EXECUTING.';
