-- _rerun_run: a new run of the same job, in its newest version, for a copy of the same event.
-- Arguments  p_payload  of the copy; null: that of the event.
-- Returns    the new run's id.
-- Errors     JQ002 wrong_state: the job is disabled in this environment.
-- Called by  rerun_run, rerun_from_task.
create or replace function perdure._rerun_run(p_run perdure.runs, p_payload json)
returns uuid
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_event_id constant uuid := perdure._copy_event(p_run.event_id, p_payload);
    v_run_id constant uuid := (perdure._start_runs(array[v_event_id], array[p_run.job_id]))[1];
begin
    if v_run_id is null then
        raise exception using
            errcode = 'JQ002',
            message = format(
                'job %L is disabled in this environment: its app has switched it off or lost it',
                (select j.slug from perdure.jobs as j where j.id = p_run.job_id)
            );
    end if;
    return v_run_id;
end;
$$;
comment on function perdure._rerun_run(perdure.runs, json) is 'A new run for a copy of the same event.';
