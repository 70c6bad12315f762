-- resume_job: execute the runs of a job again, as far as nothing else stops them.
-- Arguments  p_job  slug.
-- Returns    how many runs were waiting and are queued; null: the job was not paused.
-- Errors     JQ001 not_found: the environment has no such job.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.resume_job(p_environment_id uuid, p_job text)
returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_job constant perdure.jobs := perdure._find_job(p_environment_id, p_job);
begin
    return perdure._resume(p_environment_id, v_job.id, null);
end;
$$;
comment on function perdure.resume_job(uuid, text) is 'Execute the runs of a job again.';
