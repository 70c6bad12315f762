-- identities: whom an OpenID provider knows as whom of us. Written only by log_in_identity and forget_identities.
create table perdure.identities (
    issuer text not null,  -- the provider, by its URL
    subject text not null,  -- whom it means: its own id of them, which stays when their email changes
    user_id uuid not null references perdure.users (id),
    created_at timestamptz not null,
    primary key (issuer, subject),
    -- An email that the provider gives to somebody else does not open the account of who had it before.
    constraint identities_user_unique unique (user_id, issuer)
);
comment on table perdure.identities is 'Whom an OpenID provider knows as whom of us.';
