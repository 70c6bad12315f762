-- _apply_delivery: do what an answer, or its absence, means for what the delivery is about.
-- Arguments  as _settle_delivery.
-- Errors     data exceptions and JQ010 invalid_argument: the answer is not acceptable. Nothing is done then.
-- Called by  _settle_delivery.
create or replace function perdure._apply_delivery(p_delivery perdure.deliveries, p_result json)
returns perdure.delivery_effect
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    return case p_delivery.kind
        when 'SOURCE_REQUEST' then perdure._apply_source_request(p_delivery, p_result)
        when 'WEBHOOK_REQUEST' then perdure._apply_webhook_request(p_result)
        when 'RUN_NOTIFICATION' then perdure._apply_run_notification(p_result)
        when 'RUN_WEBHOOK' then perdure._apply_run_webhook(p_result)
        when 'EVENT' then perdure._apply_event(p_delivery, p_result)
        when 'FETCH' then perdure._apply_fetch(p_delivery, p_result)
        when 'INDEX' then perdure._apply_index(p_delivery, p_result)
        when 'PROBE' then perdure._apply_probe(p_delivery, p_result)
        when 'PREPROCESS' then perdure._apply_preprocess(p_delivery, p_result)
    end;
end;
$$;
comment on function perdure._apply_delivery(perdure.deliveries, json) is 'Do what an answer means.';
