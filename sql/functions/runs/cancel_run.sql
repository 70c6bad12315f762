-- cancel_run: cancel a run. Cancelling a cancelled run changes nothing.
-- Returns    the run (as get_run).
-- Errors     JQ001 not_found; JQ003 already_finished: it ended otherwise before.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.cancel_run(p_environment_id uuid, p_run_id uuid)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_status text;
begin
    perform perdure._find_run(p_environment_id, p_run_id);
    perform perdure._cancel_runs(array[p_run_id]);
    select r.status into v_status from perdure.runs as r where r.id = p_run_id;
    if v_status <> 'CANCELED' then
        raise exception using
            errcode = 'JQ003',
            message = format('run %s has already ended with %s', p_run_id, v_status);
    end if;
    return perdure.get_run(p_environment_id, p_run_id);
end;
$$;
comment on function perdure.cancel_run(uuid, uuid) is 'Cancel a run.';
