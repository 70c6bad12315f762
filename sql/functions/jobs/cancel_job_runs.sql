-- cancel_job_runs: cancel every run of a job that is not finished.
-- Arguments  p_job  slug.
-- Returns    {cancelledRunIds, failedToCancelRunIds}: the second are those that finished meanwhile.
-- Errors     JQ001 not_found: the environment has no such job.
-- Locks      the runs, in id order; concurrency limits.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.cancel_job_runs(p_environment_id uuid, p_job text)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_job constant perdure.jobs := perdure._find_job(p_environment_id, p_job);
    v_run_ids constant uuid[] := array(
        select r.id
        from perdure.runs as r
        where r.job_id = v_job.id and r.environment_id = p_environment_id and r.completed_at is null
        order by r.id
    );
begin
    return perdure._cancel_runs_json(v_run_ids);
end;
$$;
comment on function perdure.cancel_job_runs(uuid, text) is 'Cancel every unfinished run of a job.';
