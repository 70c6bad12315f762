-- _event_request: EVENT: the event that an ephemeral subscription waited for, for its URL.
-- Called by  _delivery_request.
create or replace function perdure._event_request(p_delivery perdure.deliveries)
returns perdure.delivery_request
language sql stable
return perdure._json_request(p_delivery);
comment on function perdure._event_request(perdure.deliveries) is 'The event that a subscription waited for.';
