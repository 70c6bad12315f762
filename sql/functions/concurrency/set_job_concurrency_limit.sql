-- set_job_concurrency_limit: how many executions of a job may be in flight at once in an environment, all its versions
-- together, instead of what the code says. It stays when the app is deployed again.
-- Arguments  p_job  slug; p_max_executions  1 to 1,000,000; null: what the code says counts again.
-- Errors     JQ001 not_found: the environment has no such job; JQ010 invalid_argument.
-- Locks      the environment; concurrency limits.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.set_job_concurrency_limit(
    p_environment_id uuid, p_job text, p_max_executions integer
)
returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_job constant perdure.jobs := perdure._find_job(p_environment_id, p_job);
    v_limit_id uuid;
    v_version record;
begin
    if p_max_executions not between 1 and 1000000 then
        raise exception using
            errcode = 'JQ010', message = format('p_max_executions must be in 1..1000000, not %s', p_max_executions);
    end if;
    perform perdure._lock_configuration(p_environment_id);
    -- All at once, in the order in which claims lock them.
    perform 1
    from perdure.concurrency_limits as c
    where c.environment_id = p_environment_id
    order by c.id
    for update;
    if p_max_executions is not null then
        v_limit_id := perdure._store_limit(p_environment_id, 'JOB', p_job, p_max_executions);
    end if;
    update perdure.environment_jobs as l
    set concurrency_limit_id = v_limit_id
    where l.environment_id = p_environment_id and l.job_id = v_job.id;
    for v_version in
        select v.id, coalesce(v_limit_id, v.declared_limit_id) as limit_id
        from perdure.job_versions as v
        where v.environment_id = p_environment_id and v.job_id = v_job.id
        order by v.id
    loop
        perform perdure._use_limit(v_version.id, v_version.limit_id);
    end loop;
    perform perdure._refresh_plain_starts(p_environment_id);
end;
$$;
comment on function perdure.set_job_concurrency_limit(uuid, text, integer) is 'Limit the executions of a job.';
