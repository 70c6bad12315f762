-- password_resets: links by which somebody chooses a password without the old one; a row lives until it is used.
-- Written only by _new_password_reset, reset_password and change_password.
create table perdure.password_resets (
    user_id uuid primary key references perdure.users (id),  -- a newer link replaces the older one
    secret_hash bytea not null,  -- sha256 of the secret in the link, which is shown once
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint password_resets_secret_unique unique (secret_hash)
);
comment on table perdure.password_resets is 'Links by which somebody chooses a password.';
