-- _upsert_jobs: store an endpoint's jobs, their versions and subscriptions. New runs get the highest version
-- (semver) that is not disabled.
-- Arguments  p_endpoint  locked by the caller; p_jobs  JobMetadata[], checked.
-- Called by  index_endpoint.
create or replace function perdure._upsert_jobs(p_endpoint perdure.endpoints, p_jobs jsonb)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_project_id uuid;
begin
    select e.project_id into strict v_project_id
    from perdure.environments as e
    where e.id = p_endpoint.environment_id;

    insert into perdure.jobs as k (id, project_id, slug, name, internal, created_at, updated_at)
    select
        perdure.new_id(), v_project_id, j.value ->> 'id', j.value ->> 'name',
        coalesce((j.value ->> 'internal')::boolean, false), v_now, v_now
    from jsonb_array_elements(p_jobs) as j
    order by j.value ->> 'id'
    on conflict (project_id, slug) do update
    set name = excluded.name, internal = excluded.internal, updated_at = v_now
    where (k.name, k.internal) is distinct from (excluded.name, excluded.internal);

    insert into perdure.job_versions as v (
        id, job_id, environment_id, endpoint_id, version, status, event_spec, trigger, integrations, preprocess_runs,
        timeout, created_at, updated_at
    )
    select
        perdure.new_id(), k.id, p_endpoint.environment_id, p_endpoint.id, j.value ->> 'version',
        case when (j.value ->> 'enabled')::boolean is false then 'DISABLED' else 'ACTIVE' end,
        coalesce(j.value -> 'event', '{}'), j.value -> 'trigger', coalesce(j.value -> 'integrations', '{}'),
        coalesce((j.value ->> 'preprocessRuns')::boolean, false),
        make_interval(secs => (j.value ->> 'timeoutInSeconds')::double precision), v_now, v_now
    from jsonb_array_elements(p_jobs) as j
    inner join perdure.jobs as k on k.project_id = v_project_id and k.slug = j.value ->> 'id'
    order by k.id
    on conflict (job_id, environment_id, version) do update
    set
        endpoint_id = excluded.endpoint_id,
        status = excluded.status,
        event_spec = excluded.event_spec,
        trigger = excluded.trigger,
        integrations = excluded.integrations,
        preprocess_runs = excluded.preprocess_runs,
        timeout = excluded.timeout,
        updated_at = v_now;

    -- A job that is switched off is off in all its versions, or new runs would get an older one.
    update perdure.job_versions as v
    set status = 'DISABLED', updated_at = v_now
    from jsonb_array_elements(p_jobs) as j
    inner join perdure.jobs as k on k.slug = j.value ->> 'id'
    where
        k.project_id = v_project_id and (j.value ->> 'enabled')::boolean is false
        and v.job_id = k.id and v.endpoint_id = p_endpoint.id and v.status = 'ACTIVE';

    insert into perdure.environment_jobs as l (environment_id, job_id, latest_version_id)
    select distinct on (v.job_id) v.environment_id, v.job_id, v.id
    from perdure.job_versions as v
    inner join perdure.jobs as k on k.id = v.job_id
    where
        v.environment_id = p_endpoint.environment_id and k.project_id = v_project_id
        and k.slug in (select j.value ->> 'id' from jsonb_array_elements(p_jobs) as j)
    order by v.job_id, v.status, perdure._semver_key(v.version) collate "C" desc, v.id desc  -- ACTIVE before DISABLED
    on conflict (environment_id, job_id) do update
    set latest_version_id = excluded.latest_version_id
    where l.latest_version_id <> excluded.latest_version_id;

    insert into perdure.event_dispatchers as d (
        id, environment_id, job_id, source, event_names, payload_filter, context_filter, enabled
    )
    select
        perdure.new_id(), l.environment_id, l.job_id, r.rule ->> 'source',
        case jsonb_typeof(r.rule -> 'event')
            when 'array' then array(select jsonb_array_elements_text(r.rule -> 'event'))
            else array[r.rule ->> 'event']
        end,
        nullif(r.rule -> 'payload', 'null'), nullif(r.rule -> 'context', 'null'), v.status = 'ACTIVE'
    from perdure.environment_jobs as l
    inner join perdure.job_versions as v on v.id = l.latest_version_id
    inner join perdure.jobs as k on k.id = l.job_id
    cross join lateral (select v.trigger::jsonb -> 'rule' as rule) as r
    where
        l.environment_id = p_endpoint.environment_id and k.project_id = v_project_id
        and k.slug in (select j.value ->> 'id' from jsonb_array_elements(p_jobs) as j)
        and v.trigger ->> 'type' = 'static'
    on conflict (environment_id, job_id) do update
    set
        source = excluded.source,
        event_names = excluded.event_names,
        payload_filter = excluded.payload_filter,
        context_filter = excluded.context_filter,
        enabled = excluded.enabled;

    -- A job whose newest version is not started by events has no subscription any more.
    delete from perdure.event_dispatchers as d
    using perdure.environment_jobs as l
    inner join perdure.job_versions as v on v.id = l.latest_version_id
    where
        l.environment_id = p_endpoint.environment_id
        and d.environment_id = l.environment_id and d.job_id = l.job_id
        and v.trigger ->> 'type' <> 'static';

    delete from perdure.event_dispatcher_names as n
    using perdure.event_dispatchers as d
    where
        d.environment_id = p_endpoint.environment_id and d.job_id is not null and n.event_dispatcher_id = d.id
        and (n.source <> d.source or n.event_name <> all(d.event_names));
    insert into perdure.event_dispatcher_names (environment_id, event_name, source, event_dispatcher_id)
    select d.environment_id, n.name, d.source, d.id
    from perdure.event_dispatchers as d
    cross join lateral unnest(d.event_names) as n (name)
    where d.environment_id = p_endpoint.environment_id and d.job_id is not null
    on conflict do nothing;
end;
$$;
comment on function perdure._upsert_jobs(perdure.endpoints, jsonb) is 'Store an endpoint''s jobs.';
