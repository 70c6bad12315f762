-- _run_connections: the accounts at services that a run uses and the platform holds.
-- Returns    an object: key of the integration in the job -> {type, sealedToken, scopes?, additionalFields?};
--            null: none.
-- Called by  claim_runs.
create or replace function perdure._run_connections(p_run_id uuid)
returns json
language sql stable
return (
    select json_object_agg(i.key, perdure._connection_auth_json(c))
    from perdure.runs as r
    inner join perdure.job_versions as v on v.id = r.job_version_id and v.hosted_integrations <> '{}'
    inner join perdure.events as e on e.id = r.event_id
    cross join lateral json_each(v.integrations) as i
    inner join perdure.integrations as g on g.environment_id = r.environment_id and g.slug = i.value ->> 'id'
    inner join perdure.connections as c on c.id = perdure._connection_id(g.id, e.external_account_id)
    where r.id = p_run_id and i.value ->> 'authSource' = 'HOSTED'
);
comment on function perdure._run_connections(uuid) is 'The accounts at services that a run uses.';
