-- sources: what brings events in from outside, such as a webhook at GitHub. It registers itself: while not
-- active or with options missing, the app's internal job is asked to register it. Written only by
-- sql/functions/sources/, dynamic_triggers/ and deliveries/.
create table perdure.sources (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    endpoint_id uuid not null references perdure.endpoints (id),
    dynamic_trigger_id uuid references perdure.dynamic_triggers (id),  -- null: declared by the app
    external_account_id uuid,  -- its events are about this end user
    key text not null,
    channel text not null,
    integration json not null,  -- IntegrationConfig
    params json not null,
    secret text not null,  -- shared with the provider, signs its requests
    data json,  -- what the registration wants to remember, e.g. the webhook's id
    metadata json,  -- what the handler wants to remember between requests
    active boolean not null default false,
    registration_event_id uuid,  -- events.id: the last time that it was to be registered
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint sources_key_unique unique (environment_id, key),
    constraint sources_channel_known check (channel in ('HTTP', 'SQS', 'SMTP'))
);
comment on table perdure.sources is 'Self-registering sources of events, such as webhooks.';
