-- events: what happened. Of the payload is left out what lets somebody in: the secret in the events that start the
-- registration of a source or a webhook; of an HTTP request, cookies, tokens and the like.
create or replace view perdure_views.events as
select
    e.id,
    e.environment_id,
    e.event_id,
    e.name,
    e.source,
    case
        when e.name = 'dev.trigger.source.register.v2' or starts_with(e.name, 'dev.trigger.webhook.register.')
        -- on the text, which holds for any document: quotes inside of a JSON string are escaped
        then regexp_replace(e.payload::text, '"secret"\s*:\s*"(\\.|[^"\\])*"', '"secret":"…"', 'g')::json
        when e.payload_type = 'REQUEST' then perdure._hide_credentials(e.payload)
        else e.payload
    end as payload,
    e.context,
    e.is_test,
    e.happened_at,
    e.deliver_at,
    e.delivered_at,
    e.cancelled_at,
    e.created_at,
    e.payload_type,
    a.identifier as account,
    e.source_context,
    t.slug as dynamic_trigger,
    e.run_tags,
    e.run_metadata,
    p.replayed_id
from perdure.events as e
left join perdure.external_accounts as a on a.id = e.external_account_id
left join perdure.sources as s on s.environment_id = e.environment_id and s.key = e.dynamic_source_key
left join perdure.dynamic_triggers as t on t.id = s.dynamic_trigger_id
left join perdure.event_replays as p on p.event_id = e.id;
comment on view perdure_views.events is 'Events with their payloads.';
