-- endpoints: the apps that the platform calls: at a URL, or over a connection that the app holds. Written only by
-- sql/functions/endpoints/, sql/functions/connected/ and by apply_results and apply_delivery_results, which learn how
-- long the host lets a function live.
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
    connected boolean not null default false,  -- the app fetches what it is to do over a connection; url is a name
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
-- So that the queue need not be told apart as long as no app is connected.
create index endpoints_connected_idx on perdure.endpoints (id) where connected;
