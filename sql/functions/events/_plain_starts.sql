-- _plain_starts: what a run of each subscription of a job begins with, where it needs no closer look: one that is
-- enabled and not for one account, to a job that is enabled, is not preprocessed, uses no hosted connection, has no
-- time limit, and that no concurrency limit and no pause can stop.
-- Arguments  p_environment_id  null: of all environments.
-- Returns    a row for each name of such a subscription, as noted and as it is; null: a closer look is needed.
-- Called by  _refresh_plain_starts, doctor, whose statements it becomes a part of.
create or replace function perdure._plain_starts(p_environment_id uuid)
returns table (
    environment_id uuid, event_name text, event_dispatcher_id uuid, noted perdure.plain_start,
    plain_start perdure.plain_start
)
language sql stable
begin atomic
    select
        d.environment_id,
        n.event_name,
        d.id,
        n.plain_start,
        case
            when
                d.enabled and d.external_account_id is null
                and not v.preprocess_runs and v.hosted_integrations = '{}' and v.timeout is null and g.goes_at_once
            then row(d.job_id, v.id, p.id, d.payload_filter, d.context_filter, m.members)::perdure.plain_start
        end
    from perdure.event_dispatchers as d
    inner join perdure.event_dispatcher_names as n on n.event_dispatcher_id = d.id
    inner join perdure.environment_jobs as x on x.environment_id = d.environment_id and x.job_id = d.job_id
    inner join perdure.job_versions as v on v.id = x.latest_version_id
    inner join perdure.jobs as j on j.id = v.job_id
    inner join perdure.endpoints as p on p.id = v.endpoint_id
    cross join lateral perdure._environment_members(d.environment_id) as o
    cross join lateral perdure._goes_at_once(v, p.id, 0, 0, p.connected) as g
    cross join lateral perdure._job_members(j.slug, v.version, o.members) as m (members)
    where p_environment_id is null or d.environment_id = p_environment_id;
end;
comment on function perdure._plain_starts(uuid) is 'What runs begin with that need no closer look.';
