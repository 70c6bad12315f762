-- apply_delivery_results: hand in what the handlers made of providers' requests: events, which start runs; or
-- a failure, which is tried again, 14 times at most (in development once).
-- Arguments  p_results  JSON array of {deliveryId, leaseNumber, ok, reply?: {events, response, metadata?},
--            message?}.
-- Returns    a row for each, in the order of delivery ids: DELIVERED, PENDING (to be tried again), FAILED, or
--            LEASE_LOST: it was claimed again or is finished.
-- Locks      deliveries in id order.
-- Called by  the dispatcher.
create or replace function perdure.apply_delivery_results(p_results json)
returns table (delivery_id uuid, outcome text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_result record;
    v_outcome text;
begin
    for v_result in
        select r.*
        from json_to_recordset(perdure._shield(p_results)) as r (
            "deliveryId" uuid, "leaseNumber" integer, ok boolean, reply json, message text
        )
        order by r."deliveryId"
    loop
        v_outcome := perdure._finish_delivery(
            v_result."deliveryId", v_result."leaseNumber", v_result.ok, v_result.reply, v_result.message
        );
        if v_outcome = 'DELIVERED' then
            begin
                perform perdure._ingest_delivery(v_result."deliveryId", v_result.reply);
            exception
                -- The handler's events are not acceptable: that is for the app's author to see, and no reason to
                -- fail the others.
                when data_exception or integrity_constraint_violation or program_limit_exceeded or sqlstate 'JQ010' then
                    v_outcome := perdure._reject_delivery(v_result."deliveryId", sqlerrm);
            end;
        end if;
        delivery_id := v_result."deliveryId";
        outcome := coalesce(v_outcome, 'LEASE_LOST');
        return next;
    end loop;
end;
$$;
comment on function perdure.apply_delivery_results(json) is 'Hand in what handlers made of providers'' requests.';
