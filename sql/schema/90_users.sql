-- users: people who log in to the dashboard. Written only by create_owner, accept_invitation, log_in_identity,
-- change_password, reset_password and set_user_disabled.
create table perdure.users (
    id uuid primary key,
    email text not null,  -- as the person writes it; found without regard to case
    name text not null,
    password_hash text,  -- argon2id, made and checked outside of Postgres; null: they log in by an identity only
    is_first_owner boolean not null,  -- owner of every organization, for good: there is always one
    created_at timestamptz not null,
    disabled_at timestamptz  -- null: may log in
);
comment on table perdure.users is 'People who log in to the dashboard.';
create unique index users_email_unique on perdure.users (lower(email));
-- There is one first owner, whoever else tries at the same moment.
create unique index users_first_owner_unique on perdure.users (is_first_owner) where is_first_owner;
