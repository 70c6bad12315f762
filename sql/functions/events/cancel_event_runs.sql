-- cancel_event_runs: cancel every run of an event that is not finished.
-- Returns    {cancelledRunIds, failedToCancelRunIds}: the second are those that had finished before.
-- Errors     JQ001 not_found.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.cancel_event_runs(p_environment_id uuid, p_event_id text)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_event constant perdure.events := perdure._find_event(p_environment_id, p_event_id);
    v_run_ids constant uuid[] := array(select r.id from perdure.runs as r where r.event_id = v_event.id order by r.id);
begin
    return perdure._cancel_runs_json(v_run_ids);
end;
$$;
comment on function perdure.cancel_event_runs(uuid, text) is 'Cancel every unfinished run of an event.';
