-- _task_call_problem: what to say to a call that may not write.
-- Arguments  p_code  the SQLSTATE that it gets: JQ001, JQ002, JQ003, JQ005 or JQ010.
-- Called by  _check_task_calls.
create or replace function perdure._task_call_problem(p_code text, p_run_id uuid, p_lease_number integer)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_run perdure.runs;
begin
    select r.* into v_run from perdure.runs as r where r.id = p_run_id;
    return case p_code
        when 'JQ001' then format('there is no run %s in this environment', coalesce(p_run_id::text, 'null'))
        when 'JQ002' then 'the public URL of the server is not set, so nobody can be told where to call back: '
            || 'start the server with PERDURE_PUBLIC_URL'
        when 'JQ003' then format('run %s has already ended with %s', v_run.id, v_run.status)
        when 'JQ005' then format(
            'lease %s of run %s is over: it is %s under lease %s',
            p_lease_number, v_run.id, v_run.status, v_run.lease_number
        )
        when 'JQ010' then 'task.idempotencyKey must be a text that is not empty'
    end;
end;
$$;
comment on function perdure._task_call_problem(text, uuid, integer) is 'What to say to a call that may not write.';
