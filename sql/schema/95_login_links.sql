-- login_links: secrets of the links by which the first owner is logged in, shown where `perdure dev` runs; a row lives
-- until it is used. Written only by create_login_link and take_login_link.
create table perdure.login_links (
    secret_hash bytea primary key,  -- sha256 of the secret in the link, which is shown once
    path text not null,  -- the page that it leads to
    created_at timestamptz not null,
    expires_at timestamptz not null
);
comment on table perdure.login_links is 'Links by which the first owner is logged in.';
