-- authenticate: whose key is this?
-- Returns    the key's environment, kind and id; works_for_s: seconds until it expires, null: it does not; no row:
--            unknown, or not in force any more.
-- Called by  the server, once a second for each key in use.
create or replace function perdure.authenticate(p_key text)
returns table (
    environment_id uuid, kind text, environment_slug text, environment_type text,
    project_slug text, organization_slug text, api_key_id uuid, works_for_s double precision
)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select
        e.id, k.kind, e.slug, e.type, p.slug, o.slug, k.id,
        date_part('epoch', k.expires_at - perdure.clock())
    from perdure.api_keys as k
    inner join perdure.environments as e on e.id = k.environment_id
    inner join perdure.projects as p on p.id = e.project_id
    inner join perdure.organizations as o on o.id = p.organization_id
    where
        k.key_hash = sha256(convert_to(p_key, 'UTF8')) and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > perdure.clock());
$$;
comment on function perdure.authenticate(text) is 'The environment a key belongs to.';
