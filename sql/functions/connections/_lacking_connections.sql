-- _lacking_connections: the connections that runs need and that are not there.
-- Returns    a row for each run and connection; external_account_id null: the developer's.
-- Called by  _await_connections.
create or replace function perdure._lacking_connections(p_run_ids uuid[])
returns table (run_id uuid, environment_id uuid, integration_id uuid, external_account_id uuid)
language sql stable
begin atomic
    select
        r.id as run_id,
        r.environment_id,
        g.id as integration_id,
        e.external_account_id
    from perdure.runs as r
    inner join perdure.job_versions as v on v.id = r.job_version_id
    inner join perdure.events as e on e.id = r.event_id
    inner join perdure.integrations as g
        on g.environment_id = r.environment_id and g.slug = any(v.hosted_integrations)
    where r.id = any(p_run_ids) and perdure._connection_id(g.id, e.external_account_id) is null;
end;
comment on function perdure._lacking_connections(uuid[]) is 'Connections that runs need and that are not there.';
