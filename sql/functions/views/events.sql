-- events: what happened. The secret in the events that start the registration of a source or a webhook is left out.
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
        else e.payload
    end as payload,
    e.context,
    e.is_test,
    e.happened_at,
    e.deliver_at,
    e.delivered_at,
    e.cancelled_at,
    e.created_at
from perdure.events as e;
comment on view perdure_views.events is 'Events with their payloads.';
