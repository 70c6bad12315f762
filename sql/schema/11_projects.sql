-- projects: a set of jobs that belong together, deployed to several environments. Written only by
-- create_project.
create table perdure.projects (
    id uuid primary key,
    organization_id uuid not null references perdure.organizations (id),
    slug text not null,
    name text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint projects_slug_unique unique (slug)
);
comment on table perdure.projects is 'Sets of jobs that belong together.';
