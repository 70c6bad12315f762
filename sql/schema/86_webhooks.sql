-- webhooks: registrations at providers that send to an HTTP endpoint. It registers itself as a source does. Written
-- only by sql/functions/webhooks/ and index_endpoint.
create table perdure.webhooks (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    endpoint_id uuid not null references perdure.endpoints (id),
    http_endpoint_id uuid references perdure.http_endpoints (id),  -- null: the app no longer names the webhook
    key text not null,
    integration json not null,  -- IntegrationConfig
    params json not null,
    desired_config jsonb not null,  -- map: name -> texts, as the app wants it
    current_config jsonb,  -- as registered at the provider; null: never
    secret text not null,
    active boolean not null default false,
    registration_event_id uuid,  -- events.id: the last time that it was to be registered
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint webhooks_key_unique unique (environment_id, key),
    constraint webhooks_http_endpoint_unique unique (http_endpoint_id)
);
comment on table perdure.webhooks is 'Webhooks that register themselves at their provider.';
