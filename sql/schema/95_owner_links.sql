-- owner_links: secrets of the links by which the first owner is made, shown where the server starts. Empty once there
-- is one. Written only by create_owner_link and create_owner.
create table perdure.owner_links (
    secret_hash bytea primary key,  -- sha256 of the secret
    created_at timestamptz not null,
    expires_at timestamptz not null
);
comment on table perdure.owner_links is 'Links by which the first owner is made.';
