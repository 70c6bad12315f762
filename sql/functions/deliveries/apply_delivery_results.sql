-- apply_delivery_results: hand in what came of the requests that claim_deliveries gave out. What an answer means is
-- decided by the kind of the request. A bad answer, or none, is tried again, as often as _attempt_limit says.
-- Arguments  p_results  JSON array of {deliveryId, leaseNumber, verdict, durationMs, httpStatus?, headers?, body?,
--            message?}; verdict: REPLY: an HTTP answer came, whatever its status, with headers (names in lower
--            case) and body (text); else there is a message: UNREACHABLE; TIMEOUT: no answer in time; MALFORMED:
--            too large, or such that the database did not take it; REFUSED: it cannot be sent.
-- Returns    a row for each, in the order of delivery ids: DELIVERED, PENDING (to be sent again), FAILED, or
--            LEASE_LOST: it was claimed again, was answered before, or is finished.
-- Locks      deliveries in id order, the runs that answers move in id order, and for each what its answer changes.
-- Called by  the dispatcher.
create or replace function perdure.apply_delivery_results(p_results json)
returns table (delivery_id uuid, outcome text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_results constant json := perdure._shield(p_results);
    v_result record;
    v_delivery perdure.deliveries;
begin
    perform perdure._lock_answered(array(
        select (r.value ->> 'deliveryId')::uuid from json_array_elements(v_results) as r
    ));
    for v_result in
        select r.value, (r.value ->> 'deliveryId')::uuid as id, (r.value ->> 'leaseNumber')::integer as lease_number
        from json_array_elements(v_results) as r
        order by (r.value ->> 'deliveryId')::uuid
    loop
        select d.* into v_delivery
        from perdure.deliveries as d
        where d.id = v_result.id and d.leased and d.attempt_count = v_result.lease_number
        for update;
        delivery_id := v_result.id;
        outcome := case when found then perdure._settle_delivery(v_delivery, v_result.value) else 'LEASE_LOST' end;
        return next;
    end loop;
end;
$$;
comment on function perdure.apply_delivery_results(json) is 'Hand in what came of requests.';
