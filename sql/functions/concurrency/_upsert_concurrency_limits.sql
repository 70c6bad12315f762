-- _upsert_concurrency_limits: how many executions the jobs of an endpoint allow at once: a number counts for the job's
-- version, {id, limit} for all jobs of the environment that name the same group; the limit said last counts. Where a
-- person has set one for a job, that one counts instead.
-- Arguments  p_endpoint  locked by the caller; p_jobs  JobMetadata[], checked and stored.
-- Called by  index_endpoint.
create or replace function perdure._upsert_concurrency_limits(p_endpoint perdure.endpoints, p_jobs jsonb)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_job record;
    v_limit_id uuid;
begin
    -- All at once, in the order in which claims lock them.
    perform 1
    from perdure.concurrency_limits as c
    where c.environment_id = p_endpoint.environment_id
    order by c.id
    for update;
    for v_job in
        select
            v.id, l.concurrency_limit_id as set_limit_id, j.job ->> 'id' as slug, v.version,
            j.job -> 'concurrencyLimit' as value
        from jsonb_array_elements(p_jobs) as j (job)
        inner join perdure.jobs as k on k.slug = j.job ->> 'id'
        inner join perdure.job_versions as v
            on v.job_id = k.id and v.environment_id = p_endpoint.environment_id and v.version = j.job ->> 'version'
        inner join perdure.environment_jobs as l on l.environment_id = v.environment_id and l.job_id = v.job_id
        where v.endpoint_id = p_endpoint.id
    loop
        v_limit_id := case jsonb_typeof(v_job.value)
            when 'number' then perdure._store_limit(
                p_endpoint.environment_id, 'JOB', v_job.slug || '@' || v_job.version, v_job.value::integer
            )
            when 'object' then perdure._store_limit(
                p_endpoint.environment_id, 'GROUP', v_job.value ->> 'id', (v_job.value ->> 'limit')::integer
            )
        end;
        update perdure.job_versions as v
        set declared_limit_id = v_limit_id
        where v.id = v_job.id and v.declared_limit_id is distinct from v_limit_id;
        perform perdure._use_limit(v_job.id, coalesce(v_job.set_limit_id, v_limit_id));
    end loop;
end;
$$;
comment on function perdure._upsert_concurrency_limits(perdure.endpoints, jsonb)
is 'Store how many executions jobs allow at once.';
