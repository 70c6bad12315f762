-- authenticate: whose key is this?
-- Returns    the key's environment, kind and id; no row: unknown or revoked.
-- Called by  the server, once a second for each key in use.
create or replace function perdure.authenticate(p_key text)
returns table (
    environment_id uuid, kind text, environment_slug text, environment_type text,
    project_slug text, organization_slug text, api_key_id uuid
)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select e.id, k.kind, e.slug, e.type, p.slug, o.slug, k.id
    from perdure.api_keys as k
    inner join perdure.environments as e on e.id = k.environment_id
    inner join perdure.projects as p on p.id = e.project_id
    inner join perdure.organizations as o on o.id = p.organization_id
    where k.key_hash = sha256(convert_to(p_key, 'UTF8')) and k.revoked_at is null;
$$;
comment on function perdure.authenticate(text) is 'The environment a key belongs to.';
