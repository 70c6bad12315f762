-- _upsert_integrations: store the services that an endpoint's jobs use, and which of a job's accounts there the
-- platform holds. One that it is to hold (HOSTED) wants setting up by a person first, for its OAuth; a connection with
-- a token that an app brings works before. One that no job names any more stays: connections hang on it.
-- Arguments  p_endpoint  locked by the caller; p_jobs  JobMetadata[], checked and stored.
-- Locks      the integrations, in slug order.
-- Called by  index_endpoint.
create or replace function perdure._upsert_integrations(p_endpoint perdure.endpoints, p_jobs jsonb)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
begin
    insert into perdure.integrations as g (
        id, environment_id, slug, service, title, auth_source, setup_status, created_at, updated_at
    )
    select
        perdure.new_id(), p_endpoint.environment_id, f.slug, f.config #>> '{metadata,id}',
        f.config #>> '{metadata,name}', f.auth_source,
        case f.auth_source when 'HOSTED' then 'MISSING_FIELDS' else 'COMPLETE' end, v_now, v_now
    from (
        -- Where jobs disagree HOSTED comes first: what the platform must hold it must know of.
        select distinct on (i.value ->> 'id')
            i.value ->> 'id' as slug, i.value ->> 'authSource' as auth_source, i.value as config
        from jsonb_array_elements(p_jobs) as j
        cross join lateral jsonb_each(coalesce(nullif(j.value -> 'integrations', 'null'), '{}')) as i
        order by i.value ->> 'id', i.value ->> 'authSource', i.value
    ) as f
    order by f.slug
    on conflict (environment_id, slug) do update
    set
        service = excluded.service,
        title = excluded.title,
        auth_source = excluded.auth_source,
        setup_status = case
            when g.auth_source = excluded.auth_source then g.setup_status else excluded.setup_status
        end,
        updated_at = v_now
    where
        (g.service, g.title, g.auth_source)
        is distinct from (excluded.service, excluded.title, excluded.auth_source);

    update perdure.job_versions as v
    set hosted_integrations = h.slugs
    from perdure.jobs as k
    inner join jsonb_array_elements(p_jobs) as j on j.value ->> 'id' = k.slug
    cross join lateral (
        select array(
            select distinct i.value ->> 'id'
            from jsonb_each(coalesce(nullif(j.value -> 'integrations', 'null'), '{}')) as i
            where i.value ->> 'authSource' = 'HOSTED'
            order by i.value ->> 'id'
        ) as slugs
    ) as h
    where
        v.environment_id = p_endpoint.environment_id and v.endpoint_id = p_endpoint.id
        and v.job_id = k.id and v.version = j.value ->> 'version' and v.hosted_integrations <> h.slugs;
end;
$$;
comment on function perdure._upsert_integrations(perdure.endpoints, jsonb) is 'Store the services that jobs use.';
