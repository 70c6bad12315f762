-- run_tokens: secrets by which a browser reads one run. Few runs have one. Written only by create_run_token.
create table perdure.run_tokens (
    token_hash bytea primary key,  -- sha256 of the token
    run_id uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
comment on table perdure.run_tokens is 'Secrets by which a browser reads one run.';
-- Serves create_run_token, which forgets those that have expired.
create index run_tokens_expires_idx on perdure.run_tokens (expires_at);
