-- oidc_logins: logins that were begun and are on their way by an OpenID provider. Written only by begin_oidc_login and
-- take_oidc_login.
create table perdure.oidc_logins (
    secret_hash bytea primary key,  -- sha256 of what the browser keeps
    wanted text not null,  -- the page to go on to
    expires_at timestamptz not null
);
comment on table perdure.oidc_logins is 'Logins that are on their way by an OpenID provider.';
create index oidc_logins_expires_at_idx on perdure.oidc_logins (expires_at);
