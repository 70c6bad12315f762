-- missing_connections: connections that runs wait for. Written only by sql/functions/connections/.
create table perdure.missing_connections (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    integration_id uuid not null references perdure.integrations (id),
    external_account_id uuid references perdure.external_accounts (id),  -- null: the developer's
    created_at timestamptz not null,
    resolved_at timestamptz
);
comment on table perdure.missing_connections is 'Connections that runs wait for.';
create unique index missing_connections_open_key on perdure.missing_connections (
    integration_id, coalesce(external_account_id, '00000000-0000-0000-0000-000000000000')
) where resolved_at is null;
