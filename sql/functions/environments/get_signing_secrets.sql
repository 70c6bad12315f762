-- get_signing_secrets: what to sign requests to an environment's endpoints with: a secret for each key in
-- force, newest first, so that an app may hold the old or the new key while keys are rotated.
-- Returns    32-byte secrets; null when the environment has no secret key.
-- Called by  the server (PING, INDEX_ENDPOINT), claim_deliveries.
create or replace function perdure.get_signing_secrets(p_environment_id uuid)
returns bytea[]
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select s.signing_secrets from perdure._signing_secrets(p_environment_id) as s;
$$;
comment on function perdure.get_signing_secrets(uuid) is 'Secrets that sign requests to an environment''s endpoints.';
