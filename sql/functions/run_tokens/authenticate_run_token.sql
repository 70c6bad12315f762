-- authenticate_run_token: whose token is this, and of which run?
-- Returns    the run and its environment; no row: the token is unknown or has expired, or the run is gone.
-- Called by  the server, once a second for each token in use.
create or replace function perdure.authenticate_run_token(p_token text)
returns table (
    environment_id uuid, run_id uuid, environment_slug text, environment_type text,
    project_slug text, organization_slug text
)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select e.id, r.id, e.slug, e.type, p.slug, o.slug
    from perdure.run_tokens as t
    inner join perdure.runs as r on r.id = t.run_id
    inner join perdure.environments as e on e.id = r.environment_id
    inner join perdure.projects as p on p.id = e.project_id
    inner join perdure.organizations as o on o.id = p.organization_id
    where t.token_hash = sha256(convert_to(p_token, 'UTF8')) and t.expires_at > perdure.clock();
$$;
comment on function perdure.authenticate_run_token(text) is 'The run that a token opens.';
