-- api_keys: secret keys (servers) and public keys (browsers, read only) of an environment.
-- The key itself is shown once and never stored: its hash finds it, the signing secret derived from it signs
-- requests to the app's endpoint (ADR 0004). sealed_key is the exception: the key encrypted by the server, kept
-- for an environment that needs it in clear (the v2 JavaScript SDK, signatures of run webhooks; ADR 0009).
-- In force is one that was not revoked and has not expired. Written only by create_api_key, rotate_api_key,
-- keep_sealed_key, revoke_api_key and end_api_key.
create table perdure.api_keys (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    kind text not null,
    hint text not null,  -- the key's beginning, enough for a person to tell keys apart
    key_hash bytea not null,  -- sha256 of the key
    signing_secret bytea,  -- sha256 of 'perdure.signing.v1:' and the key; null for public keys
    sealed_key text,  -- the key, encrypted outside of Postgres; null: nobody needed it
    public_key text,  -- a public key in clear: it is no secret
    created_at timestamptz not null,
    created_by text,  -- who made it, for people; null: not said
    expires_at timestamptz,  -- works until then, since it was rotated; null: until it is revoked
    revoked_at timestamptz,
    constraint api_keys_hash_unique unique (key_hash),
    constraint api_keys_kind_known check (kind in ('SECRET', 'PUBLIC')),
    constraint api_keys_public_in_clear check ((kind = 'PUBLIC') = (public_key is not null)),
    constraint api_keys_secret_signs check ((kind = 'SECRET') = (signing_secret is not null))
);
comment on table perdure.api_keys is 'API keys by hash; the keys themselves are not kept.';
-- Serves get_signing_secrets and every claim.
create index api_keys_environment_idx on perdure.api_keys (environment_id) where revoked_at is null;
