-- _signing_secrets: what to sign requests to an environment's endpoints with, as get_signing_secrets says.
-- Returns    one row.
-- Called by  get_signing_secrets, claim_runs, _store_events, _begin_event, whose statements it becomes a part of.
create or replace function perdure._signing_secrets(p_environment_id uuid)
returns table (signing_secrets bytea[])
language sql stable
begin atomic
    select array_agg(k.signing_secret order by k.id desc)
    from perdure.api_keys as k
    where
        k.environment_id = p_environment_id and k.kind = 'SECRET' and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > perdure.clock());
end;
comment on function perdure._signing_secrets(uuid) is 'Secrets that sign requests to an environment''s endpoints.';
