-- endpoints: the one URL of an app that the platform calls. Written only by sql/functions/endpoints/ and by
-- apply_results and apply_delivery_results, which learn how long the host lets a function live.
create table perdure.endpoints (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    slug text not null,  -- the app's id
    url text not null,
    timeout_ms integer not null default 60000,  -- for one whole request; a lease lasts this long and a margin
    execution_limit_ms integer not null default 60000,  -- how long the host lets a function live, as far as known
    sdk_name text,  -- 'perdure', 'trigger', null: not indexed yet
    sdk_version text,
    api_key_id uuid,  -- the key to send in clear, for the v2 JavaScript SDK; null: requests are signed only
    enabled boolean not null default true,  -- false: failed to be indexed too often in a row; registering it mends that
    failed_index_count integer not null default 0,  -- readings in a row that failed
    indexing_hook_id text not null,  -- secret part of the deploy hook's URL
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint endpoints_environment_slug_unique unique (environment_id, slug),
    constraint endpoints_timeout_in_range check (timeout_ms between 1000 and 3600000),
    constraint endpoints_limit_in_range check (execution_limit_ms between 10000 and 3600000)
);
comment on table perdure.endpoints is 'URLs of the apps that run jobs.';
