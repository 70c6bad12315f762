-- _probe_request: PROBE: how long does the host let a function live? The app sleeps for two minutes, the longest that
-- is of interest.
-- Called by  _delivery_request.
create or replace function perdure._probe_request(p_delivery perdure.deliveries)
returns perdure.delivery_request
language sql stable
return perdure._endpoint_request(
    p_delivery,
    'PROBE_EXECUTION_TIMEOUT',
    json_build_object('content-type', 'application/json'),
    convert_to('{"timeout":120000}', 'UTF8'),
    130000
);
comment on function perdure._probe_request(perdure.deliveries) is 'How long does the host let a function live?';
