-- _reap_leases: take back leases that expired: the dispatcher or the endpoint died, and the execution counts as one
-- without an answer; or the time is over that the run's job allows, and the run ends.
-- Returns    how many leases were reaped.
-- Locks      their runs, skip locked: whoever has one locked is handing its reply in.
-- Called by  promote_due.
create or replace function perdure._reap_leases(p_limit integer)
returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_results json;
begin
    select json_agg(json_build_object(
        'runId', e.run_id,
        'leaseNumber', e.lease_number,
        'verdict', case when e.timeout_at <= v_now then 'RUN_TIMED_OUT' else 'LEASE_EXPIRED' end,
        'durationMs', least(extract(epoch from v_now - e.claimed_at) * 1000, 2147483647)::integer,
        'message', case
            when e.timeout_at <= v_now then perdure._timeout_message(e.timeout_at)
            else format('No answer came back before the lease of dispatcher %s expired', e.dispatcher)
        end
    )) into v_results
    from (
        select l.*, r.timeout_at, r.dispatcher
        from perdure.leases as l
        inner join perdure.runs as r on r.id = l.run_id
        where l.expires_at <= v_now
        order by l.expires_at
        limit p_limit
        for update of r skip locked
    ) as e;
    if v_results is null then
        return 0;
    end if;
    return (
        select count(*)::integer
        from perdure.apply_results(v_results) as r
        where r.outcome not in ('DROPPED', 'LEASE_LOST')
    );
end;
$$;
comment on function perdure._reap_leases(integer) is 'Take back leases that expired.';
