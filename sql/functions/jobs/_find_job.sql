-- _find_job: a job of an environment, by slug.
-- Errors     JQ001 not_found, also for a job that only other environments of its project have.
create or replace function perdure._find_job(p_environment_id uuid, p_job text)
returns perdure.jobs
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_job perdure.jobs;
begin
    select j.* into v_job
    from perdure.environments as e
    inner join perdure.jobs as j on j.project_id = e.project_id and j.slug = p_job
    inner join perdure.environment_jobs as l on l.environment_id = e.id and l.job_id = j.id
    where e.id = p_environment_id;
    if not found then
        raise exception using
            errcode = 'JQ001', message = format('there is no job %s in this environment', quote_nullable(p_job));
    end if;
    return v_job;
end;
$$;
comment on function perdure._find_job(uuid, text) is 'A job of an environment.';
