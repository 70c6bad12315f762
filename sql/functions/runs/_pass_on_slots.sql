-- _pass_on_slots: runs that were taken from the queue and are not executed leave room for others. One that was let go
-- when a limit had room, and does not use it (it was cancelled, or something else keeps it back), lets the next one go.
-- Those behind the ones that were kept back may be ready: who got few would not ask again.
-- Locks      concurrency limits.
-- Called by  claim_runs, when it has stored its leases.
create or replace function perdure._pass_on_slots(p_run_ids uuid[], p_connected boolean)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    perform perdure._notify_dispatchers(case when p_connected then 'connected' else 'runs' end);
    perform perdure._unblock_runs(array(
        select distinct i.id
        from perdure._limits_of_runs(p_run_ids) as l
        cross join lateral unnest(l.limit_ids) as i (id)
    ));
end;
$$;
comment on function perdure._pass_on_slots(uuid[], boolean) is 'Let others have what runs that are not executed leave.';
