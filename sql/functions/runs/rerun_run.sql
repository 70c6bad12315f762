-- rerun_run: do all of a run's work again, from the beginning: a new run of the same job, in its newest version, for a
-- copy of the same event. The old run stays as it is.
-- Arguments  p_payload  instead of the event's; null: the same again. A JSON null is a payload.
-- Returns    the new run (as get_run).
-- Errors     JQ001 not_found; JQ002 wrong_state: the job is disabled in this environment.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.rerun_run(p_environment_id uuid, p_run_id uuid, p_payload json default null)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_run constant perdure.runs := perdure._find_run(p_environment_id, p_run_id);
    v_new_run_id constant uuid := perdure._rerun_run(v_run, p_payload);
begin
    return perdure.get_run(p_environment_id, v_new_run_id);
end;
$$;
comment on function perdure.rerun_run(uuid, uuid, json) is 'Do all of a run''s work again, as a new run.';
