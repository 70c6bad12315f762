-- organizations: who owns projects. Written only by create_project, create_owner and create_organization.
create table perdure.organizations (
    id uuid primary key,
    slug text not null,
    title text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint organizations_slug_unique unique (slug)
);
comment on table perdure.organizations is 'Owners of projects.';
