-- continue_run: let a run that ended without success go on where it stopped: it is queued, its finished tasks keep
-- their results, the others are done (again). Its counters and with them its limits begin anew, and so does
-- the time that its job allows.
-- Returns    the run (as get_run).
-- Errors     JQ001 not_found; JQ002 wrong_state: it has not ended; JQ003 already_finished: it ended with SUCCESS.
-- Locks      the run, then its tasks.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.continue_run(p_environment_id uuid, p_run_id uuid)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_status text;
    v_timeout_at timestamptz;
begin
    perform perdure._find_run(p_environment_id, p_run_id);
    select r.status into v_status from perdure.runs as r where r.id = p_run_id for update;
    if v_status = 'SUCCESS' then
        raise exception using
            errcode = 'JQ003',
            message = format('run %s has ended with SUCCESS: there is nothing to continue; rerun it instead', p_run_id);
    elsif not perdure._is_final(v_status) then
        raise exception using
            errcode = 'JQ002', message = format('run %s is %s: it has not ended, and goes on by itself', p_run_id, v_status);
    end if;

    select v_now + v.timeout into v_timeout_at
    from perdure.runs as r
    inner join perdure.job_versions as v on v.id = r.job_version_id
    where r.id = p_run_id;
    update perdure.runs as r
    set
        status = 'QUEUED',
        output = null,
        completed_at = null,
        execution_count = 0,
        failure_count = 0,
        idle_count = 0,
        duration_ms = 0,
        timeout_at = v_timeout_at,
        updated_at = v_now
    where r.id = p_run_id;
    perform perdure._reopen_tasks(p_run_id);
    delete from perdure.dead_letters as d where d.run_id = p_run_id;
    delete from perdure.run_failures as f where f.run_id = p_run_id;
    perform perdure._enqueue_runs(array[p_run_id]);
    if v_timeout_at is not null then
        perform perdure._notify_dispatchers('due');
    end if;
    return perdure.get_run(p_environment_id, p_run_id);
end;
$$;
comment on function perdure.continue_run(uuid, uuid) is 'Let a run that ended without success go on.';
