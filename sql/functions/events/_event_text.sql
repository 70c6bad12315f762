-- _event_text: an event as the API and EXECUTE_JOB show it (ApiEventLog), JSON. Put together by hand, which takes half
-- of the time of json_build_object.
-- Called by  _event_json, claim_runs, _store_events, _begin_event, whose statements it becomes a part of.
create or replace function perdure._event_text(p_event perdure.events)
returns text
language sql stable
return concat(
    '{"id":', to_json((p_event).event_id),
    ',"name":', to_json((p_event).name),
    ',"payload":', (p_event).payload,
    ',"context":', (p_event).context,
    ',"timestamp":"', perdure._iso((p_event).happened_at),
    '","deliverAt":"', perdure._iso((p_event).deliver_at),
    '","deliveredAt":', coalesce('"' || perdure._iso((p_event).delivered_at) || '"', 'null'),
    ',"cancelledAt":', coalesce('"' || perdure._iso((p_event).cancelled_at) || '"', 'null'),
    '}'
);
comment on function perdure._event_text(perdure.events) is 'An event as the wire shows it.';
