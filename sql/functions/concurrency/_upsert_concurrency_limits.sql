-- _upsert_concurrency_limits: how many executions the jobs of an endpoint allow at once: a number counts for the job's
-- version, {id, limit} for all jobs of the environment that name the same group; the limit said last counts.
-- Arguments  p_endpoint  locked by the caller; p_jobs  JobMetadata[], checked and stored.
-- Called by  index_endpoint.
create or replace function perdure._upsert_concurrency_limits(p_endpoint perdure.endpoints, p_jobs jsonb)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_job record;
    v_limit_id uuid;
    v_run_ids uuid[];
begin
    -- All at once, in the order in which claims lock them.
    perform 1
    from perdure.concurrency_limits as c
    where c.environment_id = p_endpoint.environment_id
    order by c.id
    for update;
    for v_job in
        select v.id, v.concurrency_limit_id, j.job ->> 'id' as slug, v.version, j.job -> 'concurrencyLimit' as value
        from jsonb_array_elements(p_jobs) as j (job)
        inner join perdure.jobs as k on k.slug = j.job ->> 'id'
        inner join perdure.job_versions as v
            on v.job_id = k.id and v.environment_id = p_endpoint.environment_id and v.version = j.job ->> 'version'
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
        continue when v_limit_id is not distinct from v_job.concurrency_limit_id;

        update perdure.job_versions as v set concurrency_limit_id = v_limit_id where v.id = v_job.id;
        -- Runs kept back by the limit that no longer counts may be this job's: let the next claim decide.
        with freed as (
            delete from perdure.blocked_runs as b
            using perdure.runs as r
            where b.concurrency_limit_id = v_job.concurrency_limit_id and r.id = b.run_id and r.job_version_id = v_job.id
            returning b.run_id
        )
        select array_agg(f.run_id order by f.run_id) into v_run_ids from freed as f;
        perform perdure._enqueue_runs(v_run_ids);
        -- One that the old limit had let go does not use it now.
        perform perdure._unblock_runs(array[v_job.concurrency_limit_id]);
    end loop;
end;
$$;
comment on function perdure._upsert_concurrency_limits(perdure.endpoints, jsonb)
is 'Store how many executions jobs allow at once.';
