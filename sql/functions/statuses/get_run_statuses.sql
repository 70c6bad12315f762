-- get_run_statuses: what a run tells people of its progress.
-- Returns    {run: {id, status, output?}, statuses: [StatusRecord]}.
-- Errors     JQ001 not_found.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.get_run_statuses(p_environment_id uuid, p_run_id uuid)
returns json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_run constant perdure.runs := perdure._find_run(p_environment_id, p_run_id);
begin
    return json_build_object(
        'run', perdure._json_object(
            perdure._member('id', to_json(v_run.id)),
            perdure._member('status', to_json(v_run.status)),
            perdure._member('output', v_run.output)
        ),
        'statuses', perdure._run_statuses_json(v_run.id)
    );
end;
$$;
comment on function perdure.get_run_statuses(uuid, uuid) is 'What a run tells people of its progress.';
