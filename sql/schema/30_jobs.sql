-- jobs: the user's registered code, once a project. Written only by index_endpoint.
create table perdure.jobs (
    id uuid primary key,
    project_id uuid not null references perdure.projects (id),
    slug text not null,
    name text not null,
    internal boolean not null default false,  -- true: made by the SDK, e.g. to register a webhook; not shown in lists
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint jobs_project_slug_unique unique (project_id, slug)
);
comment on table perdure.jobs is 'Jobs of a project.';
