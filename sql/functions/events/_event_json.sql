-- _event_json: an event as the API shows it (ApiEventLog).
create or replace function perdure._event_json(p_event perdure.events)
returns json
language sql stable
return perdure._event_text(p_event)::json;
comment on function perdure._event_json(perdure.events) is 'An event as the wire shows it.';
