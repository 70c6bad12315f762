-- pause_job: execute no run of a job any more, until resume_job. Runs that are executing finish their execution; new
-- ones are taken and wait. It holds for all versions of the job, also those to come.
-- Arguments  p_job  slug; p_paused_by, p_reason  for people.
-- Returns    {pausedAt, pausedBy?, reason?}; as it was when the job is paused already.
-- Errors     JQ001 not_found: the environment has no such job.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.pause_job(
    p_environment_id uuid, p_job text, p_paused_by text default null, p_reason text default null
)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_job constant perdure.jobs := perdure._find_job(p_environment_id, p_job);
begin
    return perdure._pause(p_environment_id, v_job.id, null, p_paused_by, p_reason);
end;
$$;
comment on function perdure.pause_job(uuid, text, text, text) is 'Execute no run of a job for now.';
