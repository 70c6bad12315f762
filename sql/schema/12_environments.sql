-- environments: where a project's jobs run. Each has its own keys, endpoints, events and runs.
-- Written only by create_project.
create table perdure.environments (
    id uuid primary key,
    project_id uuid not null references perdure.projects (id),
    slug text not null,  -- also the middle of the API keys: tr_<slug>_…
    type text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint environments_project_slug_unique unique (project_id, slug),
    constraint environments_type_known check (type in ('DEVELOPMENT', 'STAGING', 'PRODUCTION', 'PREVIEW'))
);
comment on table perdure.environments is 'Development, staging, production and preview of each project.';
