-- renew_leases: keep executions that are still under way from being taken back. A run's own time limit is not moved.
-- Arguments  p_run_ids, p_lease_numbers  which leases, in pairs;
--            p_duration                  how long they last from now.
-- Returns    the runs whose lease it still is; the others have been taken back, have ended or been cancelled: what they
--            still do is in vain.
-- Errors     JQ010 invalid_argument: the arrays differ in length, or the duration is not positive.
-- Locks      the leases, in id order; of a lease that is being ended meanwhile, nothing is renewed.
-- Called by  the server, for the connections that it holds.
create or replace function perdure.renew_leases(p_run_ids uuid[], p_lease_numbers integer[], p_duration interval)
returns setof uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
begin
    if cardinality(p_run_ids) is distinct from cardinality(p_lease_numbers) then
        raise exception using
            errcode = 'JQ010', message = 'p_run_ids and p_lease_numbers must have as many members';
    end if;
    if p_duration is null or p_duration <= interval '0' then
        raise exception using
            errcode = 'JQ010',
            message = format('p_duration must be longer than nothing, not %s', quote_nullable(p_duration));
    end if;
    return query
    with held as materialized (
        select l.run_id, least(v_now + p_duration, r.timeout_at) as expires_at
        from unnest(p_run_ids, p_lease_numbers) as n (run_id, lease_number)
        inner join perdure.leases as l on l.run_id = n.run_id and l.lease_number = n.lease_number
        inner join perdure.runs as r on r.id = l.run_id
        order by l.run_id
        for update of l
    )
    update perdure.leases as l set expires_at = h.expires_at
    from held as h
    where l.run_id = h.run_id
    returning l.run_id;
end;
$$;
comment on function perdure.renew_leases(uuid[], integer[], interval) is 'Keep executions from being taken back.';
