-- http_endpoints: public URLs that feed jobs with raw requests. Written only by index_endpoint.
create table perdure.http_endpoints (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    endpoint_id uuid not null references perdure.endpoints (id),
    key text not null,
    title text,
    source text not null,  -- of the events that its requests become
    enabled boolean not null,
    immediate_response_filter jsonb,  -- RequestFilter: the app answers these itself; null: none
    skip_triggering_runs boolean not null default false,  -- answered by the app is all
    event_spec json not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint http_endpoints_key_unique unique (environment_id, key)
);
comment on table perdure.http_endpoints is 'Public URLs that feed jobs with raw requests.';
