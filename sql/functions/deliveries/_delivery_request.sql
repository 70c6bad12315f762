-- _delivery_request: what is to be sent for a delivery now.
-- Returns    null: nothing any more, because what it is about is gone, or has gone on without it.
-- Called by  claim_deliveries.
create or replace function perdure._delivery_request(p_delivery perdure.deliveries)
returns perdure.delivery_request
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return case p_delivery.kind
        when 'SOURCE_REQUEST' then perdure._source_request(p_delivery)
        when 'WEBHOOK_REQUEST' then perdure._webhook_request(p_delivery)
        when 'RUN_NOTIFICATION' then perdure._run_notification_request(p_delivery)
        when 'RUN_WEBHOOK' then perdure._run_webhook_request(p_delivery)
        when 'EVENT' then perdure._event_request(p_delivery)
        when 'FETCH' then perdure._fetch_request(p_delivery)
        when 'INDEX' then perdure._index_request(p_delivery)
        when 'PROBE' then perdure._probe_request(p_delivery)
        when 'PREPROCESS' then perdure._preprocess_request(p_delivery)
    end;
end;
$$;
comment on function perdure._delivery_request(perdure.deliveries) is 'What is to be sent for a delivery now.';
