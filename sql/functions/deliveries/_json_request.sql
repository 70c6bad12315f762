-- _json_request: a POST of a JSON document, the delivery's own, to a URL outside.
-- Arguments  p_signing_secrets, p_sealed_api_key  null: the receiver does not check who sends it.
-- Called by  _event_request, _run_webhook_request.
create or replace function perdure._json_request(
    p_delivery perdure.deliveries, p_signing_secrets bytea[] default null, p_sealed_api_key text default null
)
returns perdure.delivery_request
language sql stable
return row(
    (p_delivery).url, null, 'POST', json_build_object('content-type', 'application/json'),
    convert_to((p_delivery).request::text, 'UTF8'), 30000, p_signing_secrets, p_sealed_api_key
)::perdure.delivery_request;
comment on function perdure._json_request(perdure.deliveries, bytea[], text) is 'A POST of JSON to a URL outside.';
