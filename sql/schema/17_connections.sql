-- connections: accounts at services, with the token encrypted by the server: the developer's own, or one of the app's
-- end user's. Written only by sql/functions/connections/.
create table perdure.connections (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    integration_id uuid not null references perdure.integrations (id),
    external_account_id uuid references perdure.external_accounts (id),  -- null: the developer's
    auth_type text not null,
    sealed_token text not null,  -- encrypted outside of Postgres (ADR 0009)
    scopes text[] not null default '{}',
    additional_fields json,
    metadata json,
    expires_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint connections_auth_type_known check (auth_type in ('oauth2', 'apiKey'))
);
comment on table perdure.connections is 'Accounts at services, tokens encrypted.';
-- One for each end user, and one for the developer.
create unique index connections_owner_key on perdure.connections (
    integration_id, coalesce(external_account_id, '00000000-0000-0000-0000-000000000000')
);
