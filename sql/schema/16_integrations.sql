-- integrations: services that jobs use with an account whose token the platform holds (HOSTED), or the app (LOCAL), or
-- the app finds (RESOLVER). Written only by _upsert_integrations.
create table perdure.integrations (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    slug text not null,  -- IntegrationConfig.id
    service text not null,  -- IntegrationConfig.metadata.id: 'slack', whatever the app calls its account there
    title text not null,
    auth_source text not null,
    setup_status text not null,  -- MISSING_FIELDS: a person must finish it
    scopes text[] not null default '{}',
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint integrations_slug_unique unique (environment_id, slug),
    constraint integrations_auth_source_known check (auth_source in ('HOSTED', 'LOCAL', 'RESOLVER')),
    constraint integrations_setup_status_known check (setup_status in ('COMPLETE', 'MISSING_FIELDS'))
);
comment on table perdure.integrations is 'Services that jobs use.';
