-- _run_notification_request: RUN_NOTIFICATION: how a run ended, for the app's listeners.
-- Called by  _delivery_request.
create or replace function perdure._run_notification_request(p_delivery perdure.deliveries)
returns perdure.delivery_request
language sql stable
return perdure._endpoint_request(
    p_delivery,
    'RUN_NOTIFICATION',
    json_build_object('content-type', 'application/json'),
    convert_to((p_delivery).request::text, 'UTF8')
);
comment on function perdure._run_notification_request(perdure.deliveries) is 'How a run ended, for listeners.';
