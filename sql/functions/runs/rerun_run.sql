-- rerun_run: do all of a run's work again, from the beginning: a new run of the same job, in its newest version, for a
-- copy of the same event. The old run stays as it is.
-- Returns    the new run (as get_run).
-- Errors     JQ001 not_found; JQ002 wrong_state: the job is disabled in this environment.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.rerun_run(p_environment_id uuid, p_run_id uuid)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_run constant perdure.runs := perdure._find_run(p_environment_id, p_run_id);
    v_new_run_id uuid;
begin
    v_new_run_id := (perdure._start_runs(array[perdure._copy_event(v_run.event_id)], array[v_run.job_id]))[1];
    if v_new_run_id is null then
        raise exception using
            errcode = 'JQ002',
            message = format(
                'job %L is disabled in this environment: its app has switched it off or lost it',
                (select j.slug from perdure.jobs as j where j.id = v_run.job_id)
            );
    end if;
    return perdure.get_run(p_environment_id, v_new_run_id);
end;
$$;
comment on function perdure.rerun_run(uuid, uuid) is 'Do all of a run''s work again, as a new run.';
