-- requeue_run: put a stranded run back on its feet: whatever it was doing is given up, and it is queued. The
-- mend for doctor's findings.
-- Returns    true when the run was queued, false when it has ended or is unknown.
-- Locks      the run.
-- Called by  people.
create or replace function perdure.requeue_run(p_run_id uuid)
returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_limit_ids uuid[];
begin
    update perdure.runs as r
    set
        status = case when r.status in ('EXECUTING', 'WAITING_TO_CONTINUE') then 'WAITING_TO_EXECUTE' else r.status end,
        due_at = null,
        updated_at = perdure.clock()
    where
        r.id = p_run_id
        and r.status in ('QUEUED', 'WAITING_TO_EXECUTE', 'EXECUTING', 'WAITING_TO_CONTINUE');
    if not found then
        return false;
    end if;
    delete from perdure.blocked_runs as b where b.run_id = p_run_id;
    delete from perdure.leases as l where l.run_id = p_run_id returning l.concurrency_limit_ids into v_limit_ids;
    perform perdure._enqueue_runs(array[p_run_id]);
    perform perdure._unblock_runs(v_limit_ids);
    return true;
end;
$$;
comment on function perdure.requeue_run(uuid) is 'Put a stranded run back on its feet.';
