-- external_accounts: the app's own end users, by the app's own ids. Written only by _upsert_external_account.
create table perdure.external_accounts (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    identifier text not null,  -- the app's id of its end user
    metadata json not null default '{}',
    created_at timestamptz not null,
    constraint external_accounts_identifier_unique unique (environment_id, identifier)
);
comment on table perdure.external_accounts is 'End users of the apps.';
