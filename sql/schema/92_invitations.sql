-- invitations: links by which somebody becomes a member of an organization. Written only by invite_member,
-- revoke_invitation, accept_invitation and log_in_identity.
create table perdure.invitations (
    id uuid primary key,
    organization_id uuid not null references perdure.organizations (id),
    email text not null,
    role text not null,
    secret_hash bytea not null,  -- sha256 of the secret in the link, which is shown once
    invited_by uuid not null references perdure.users (id),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    closed_at timestamptz,  -- accepted, revoked or replaced by a newer one; null: it can be accepted until it expires
    accepted_by uuid references perdure.users (id),
    constraint invitations_secret_unique unique (secret_hash),
    constraint invitations_role_known check (role in ('owner', 'admin', 'member', 'viewer')),
    constraint invitations_accepted_is_closed check (accepted_by is null or closed_at is not null)
);
comment on table perdure.invitations is 'Links by which somebody becomes a member.';
create unique index invitations_open_unique on perdure.invitations (organization_id, lower(email))
where closed_at is null;
