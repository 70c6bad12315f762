-- login_attempts: logins that were tried and have not succeeded, to slow down guessing. Written only by begin_login,
-- open_session, change_password and reset_password.
create table perdure.login_attempts (
    id uuid primary key,
    email text not null,  -- in lower case; of nobody, maybe
    address text not null,  -- where the request came from
    attempted_at timestamptz not null
);
comment on table perdure.login_attempts is 'Logins that were tried in vain, of late.';
create index login_attempts_email_idx on perdure.login_attempts (email, attempted_at);
create index login_attempts_address_idx on perdure.login_attempts (address, attempted_at);
create index login_attempts_attempted_at_idx on perdure.login_attempts (attempted_at);
