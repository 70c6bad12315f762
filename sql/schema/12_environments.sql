-- environments: where a project's jobs run. Each has its own keys, endpoints, events and runs.
-- Written only by create_project, create_environment and sql/functions/environments/set_*.
create table perdure.environments (
    id uuid primary key,
    project_id uuid not null references perdure.projects (id),
    slug text not null,  -- also the middle of the API keys: tr_<slug>_…
    type text not null,
    shortcode text not null,  -- part of the URLs of HTTP endpoints
    schedules_enabled boolean not null,  -- false: schedules do not fire here; at first so in development
    concurrency_limit_id uuid,  -- for all executions of the environment together; null: none
    max_executions integer,  -- of one run; null: any number
    max_duration_ms bigint,  -- of all executions of one run together; null: any
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint environments_project_slug_unique unique (project_id, slug),
    constraint environments_shortcode_unique unique (shortcode),
    constraint environments_max_executions_positive check (max_executions > 0),
    constraint environments_max_duration_positive check (max_duration_ms > 0),
    constraint environments_type_known check (type in ('DEVELOPMENT', 'STAGING', 'PRODUCTION', 'PREVIEW'))
);
comment on table perdure.environments is 'Development, staging, production and preview of each project.';
