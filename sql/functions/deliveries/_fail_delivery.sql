-- _fail_delivery: a delivery has failed for good, and whoever waits for it must not wait for ever.
-- Arguments  p_delivery  locked by the caller, PENDING; p_message  why, for people; p_response  to keep with it.
-- Called by  _settle_delivery, claim_deliveries, _end_unanswered_deliveries.
create or replace function perdure._fail_delivery(
    p_delivery perdure.deliveries, p_message text, p_response json default null
)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    update perdure.deliveries as d
    set
        status = 'FAILED', due_at = null, leased = false, completed_at = perdure.clock(), response = p_response,
        message = p_message
    where d.id = p_delivery.id;

    if p_delivery.kind = 'EVENT' then
        perform perdure._end_ephemeral_dispatcher(p_delivery.subject_id);
    elsif p_delivery.kind = 'INDEX' then
        perform perdure.record_index_failure(p_delivery.endpoint_id, p_message, x.id)
        from perdure.endpoint_indexes as x
        where x.id = p_delivery.subject_id and x.status in ('PENDING', 'STARTED');
    elsif p_delivery.kind = 'PREPROCESS' then
        perform perdure._release_runs(array[p_delivery.subject_id]);  -- without properties
    elsif p_delivery.kind = 'FETCH' then
        perform perdure._fail_operation(p_delivery, p_message);
    end if;
end;
$$;
comment on function perdure._fail_delivery(perdure.deliveries, text, json) is 'A delivery has failed for good.';
