-- _index_request: INDEX: which jobs, sources and so on does the app have? Not asked of an endpoint that is off.
-- Called by  _delivery_request.
create or replace function perdure._index_request(p_delivery perdure.deliveries)
returns perdure.delivery_request
language sql stable
begin atomic
    select perdure._endpoint_request(p_delivery, 'INDEX_ENDPOINT', null, null, 10000)
    from perdure.endpoints as p
    where p.id = (p_delivery).endpoint_id and p.enabled;
end;
comment on function perdure._index_request(perdure.deliveries) is 'Which jobs does the app have?';
