-- endpoints: the one URL of an app that the platform calls. Written only by sql/functions/endpoints/ and by
-- apply_results, which learns how long the host lets a function live.
create table perdure.endpoints (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    slug text not null,  -- the app's id
    url text not null,
    timeout_ms integer not null default 60000,  -- for one whole request; a lease lasts this long and a margin
    execution_limit_ms integer not null default 60000,  -- how long the host lets a function live, as far as known
    sdk_name text,  -- 'perdure', 'trigger', null: not indexed yet
    sdk_version text,
    indexing_hook_id text not null,  -- secret part of the deploy hook's URL
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint endpoints_environment_slug_unique unique (environment_id, slug),
    constraint endpoints_timeout_in_range check (timeout_ms between 1000 and 3600000),
    constraint endpoints_limit_in_range check (execution_limit_ms between 10000 and 3600000)
);
comment on table perdure.endpoints is 'URLs of the apps that run jobs.';
