-- renew_leases: keep executions that are still under way from being taken back. A run's own time limit is not moved.
-- Dispatchers, which take back what expires, are told of leases that are cut short.
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
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_run_ids uuid[];
    v_any_shorter boolean;
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
    with held as materialized (
        select l.run_id, l.expires_at as expired_at, least(v_now + p_duration, r.timeout_at) as expires_at
        from (
            select u.run_id, u.lease_number from unnest(p_run_ids, p_lease_numbers) as u (run_id, lease_number)
            order by u.run_id
        ) as n
        -- limit keeps these look-ups by index, whatever the planner thinks of how few rows there are.
        cross join lateral (
            select x.run_id, x.expires_at
            from perdure.leases as x
            where x.run_id = n.run_id and x.lease_number = n.lease_number
            limit 1
            for update
        ) as l
        cross join lateral (select x.timeout_at from perdure.runs as x where x.id = l.run_id limit 1) as r
    ),
    renewed as (
        update perdure.leases as l set expires_at = h.expires_at
        from held as h
        where l.run_id = h.run_id
        returning l.run_id, h.expires_at < h.expired_at as is_shorter
    )
    select array_agg(r.run_id), bool_or(r.is_shorter) into v_run_ids, v_any_shorter from renewed as r;
    if v_any_shorter then
        perform perdure._notify_dispatchers('due');
    end if;
    return query select unnest(v_run_ids);
end;
$$;
comment on function perdure.renew_leases(uuid[], integer[], interval) is 'Keep executions from being taken back.';
