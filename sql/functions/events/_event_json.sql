-- _event_json: an event as the API and EXECUTE_JOB show it (ApiEventLog).
create or replace function perdure._event_json(p_event perdure.events)
returns json
language sql stable
return json_build_object(
    'id', (p_event).event_id,
    'name', (p_event).name,
    'payload', (p_event).payload,
    'context', (p_event).context,
    'timestamp', perdure._iso((p_event).happened_at),
    'deliverAt', perdure._iso((p_event).deliver_at),
    'deliveredAt', perdure._iso((p_event).delivered_at),
    'cancelledAt', perdure._iso((p_event).cancelled_at)
);
comment on function perdure._event_json(perdure.events) is 'An event as the wire shows it.';
