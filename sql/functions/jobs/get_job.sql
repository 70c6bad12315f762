-- get_job: a job of an environment as it stands: what its newest version declares, what people have set.
-- Returns    one row: is_internal: made by the SDK; queue: the group whose concurrency limit it shares, null: none;
--            max_executions: how many executions may be in flight at once, null: any number; declared_executions,
--            declared_queue: what the code says of that; limit_by: 'PERSON' or 'CODE', null: there is no limit;
--            versions: of this environment, newest first.
-- Errors     JQ001 not_found: the environment has no such job.
-- Called by  the server, psql.
create or replace function perdure.get_job(p_environment_id uuid, p_job text)
returns table (
    job_id uuid, slug text, name text, is_internal boolean, version text, status text, endpoint text,
    endpoint_url text, trigger json, event_spec json, integrations json, queue text, max_executions integer,
    declared_queue text, declared_executions integer, limit_by text, preprocess_runs boolean, timeout interval,
    versions text[], updated_at timestamptz
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_job constant perdure.jobs := perdure._find_job(p_environment_id, p_job);
begin
    return query
    select
        v_job.id, v_job.slug, v_job.name, v_job.internal, v.version, v.status, p.slug, p.url, v.trigger, v.event_spec,
        v.integrations, case when c.kind = 'GROUP' then c.name end, c.max_executions,
        case when d.kind = 'GROUP' then d.name end, d.max_executions,
        case when l.concurrency_limit_id is not null then 'PERSON' when c.id is not null then 'CODE' end,
        v.preprocess_runs, v.timeout,
        array(
            select x.version
            from perdure.job_versions as x
            where x.job_id = v_job.id and x.environment_id = p_environment_id
            order by perdure._semver_key(x.version) collate "C" desc, x.id desc
        ),
        v.updated_at
    from perdure.environment_jobs as l
    inner join perdure.job_versions as v on v.id = l.latest_version_id
    inner join perdure.endpoints as p on p.id = v.endpoint_id
    left join perdure.concurrency_limits as c on c.id = v.concurrency_limit_id
    left join perdure.concurrency_limits as d on d.id = v.declared_limit_id
    where l.environment_id = p_environment_id and l.job_id = v_job.id;
end;
$$;
comment on function perdure.get_job(uuid, text) is 'A job of an environment as it stands.';
