-- _disable_missing_jobs: switch off the jobs that this endpoint had and no longer names: no new runs, and
-- queued ones are aborted when their turn comes.
-- Returns    how many of the endpoint's jobs are disabled now, named or not, without internal ones.
-- Called by  index_endpoint.
create or replace function perdure._disable_missing_jobs(p_endpoint perdure.endpoints, p_jobs jsonb)
returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    update perdure.job_versions as v
    set status = 'DISABLED', updated_at = perdure.clock()
    from perdure.jobs as k
    where
        v.endpoint_id = p_endpoint.id and v.status = 'ACTIVE' and k.id = v.job_id
        and k.slug not in (select j.value ->> 'id' from jsonb_array_elements(p_jobs) as j);

    update perdure.event_dispatchers as d
    set enabled = false
    from perdure.environment_jobs as l
    inner join perdure.job_versions as v on v.id = l.latest_version_id
    where
        v.endpoint_id = p_endpoint.id and v.status = 'DISABLED' and d.enabled
        and d.environment_id = l.environment_id and d.job_id = l.job_id;

    return (
        select count(*)::integer
        from perdure.environment_jobs as l
        inner join perdure.job_versions as v on v.id = l.latest_version_id
        inner join perdure.jobs as k on k.id = l.job_id
        where v.endpoint_id = p_endpoint.id and v.status = 'DISABLED' and not k.internal
    );
end;
$$;
comment on function perdure._disable_missing_jobs(perdure.endpoints, jsonb)
is 'Switch off jobs an endpoint no longer names.';
