-- _ephemeral_event_json: an event as it is sent to the URL of an ephemeral subscription.
-- Called by  _send_to_dispatchers.
create or replace function perdure._ephemeral_event_json(p_event perdure.events)
returns json
language sql stable
return perdure._json_object(
    perdure._member('id', to_json((p_event).event_id)),
    perdure._member('source', to_json((p_event).source)),
    perdure._member('name', to_json((p_event).name)),
    perdure._member('payload', (p_event).payload),
    perdure._member('context', (p_event).context),
    perdure._member('timestamp', to_json(perdure._iso((p_event).happened_at))),
    perdure._member('accountId', to_json((
        select a.identifier from perdure.external_accounts as a where a.id = (p_event).external_account_id
    )))
);
comment on function perdure._ephemeral_event_json(perdure.events)
is 'An event as it is sent to an ephemeral subscription.';
