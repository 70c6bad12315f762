-- _effect_invoke: a task that starts a run of a job: COMPLETED with its id, or WAITING for its end, which becomes the
-- output.
-- Arguments  p_effect  {jobId, payload?, context?, accountId?, wait, timeoutInSeconds?: 0, no time limit}.
-- Errors     JQ010 invalid_argument: names the member; the others as invoke_job.
-- Locks      as invoke_job.
-- Called by  _begin_effect.
create or replace function perdure._effect_invoke(p_environment_id uuid, p_task_id uuid, p_key text, p_effect json)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_problem text;
    v_waits boolean;
    v_timeout_at timestamptz;
    v_run_id uuid;
begin
    v_problem := case
        when json_typeof(p_effect -> 'jobId') is distinct from 'string' or p_effect ->> 'jobId' = ''
            then 'effect.jobId must be the id of a job'
        when json_typeof(p_effect -> 'wait') is distinct from 'boolean' then 'effect.wait must be true or false'
        when json_typeof(p_effect -> 'timeoutInSeconds') not in ('number', 'null')
            or (p_effect ->> 'timeoutInSeconds')::numeric not between 0 and 31536000
            then 'effect.timeoutInSeconds must be 0 (no time limit) to 31536000 (a year)'
    end;
    if v_problem is not null then
        raise exception using errcode = 'JQ010', message = v_problem;
    end if;
    v_waits := (p_effect ->> 'wait')::boolean;
    v_timeout_at := v_now + make_interval(secs => nullif((p_effect ->> 'timeoutInSeconds')::double precision, 0));

    v_run_id := (
        perdure.invoke_job(
            p_environment_id, p_effect ->> 'jobId', perdure._unshield(p_effect -> 'payload'),
            perdure._unshield(p_effect -> 'context'),
            perdure._json_object(perdure._member('accountId', p_effect -> 'accountId')), p_key
        ) ->> 'id'
    )::uuid;
    if v_waits then
        perform perdure._subscribe_url(v_run_id, perdure._task_address(p_task_id));
    end if;
    update perdure.tasks as t
    set
        status = case when v_waits then 'WAITING' else 'COMPLETED' end,
        output = case when not v_waits then json_build_object('id', v_run_id) end,
        output_properties = json_build_array(json_build_object('label', 'Run', 'text', v_run_id)),
        due_at = case when v_waits then v_timeout_at end,
        callback_timeout_at = case when v_waits then v_timeout_at end,
        completed_at = case when not v_waits then v_now end,
        updated_at = v_now
    where t.id = p_task_id;
end;
$$;
comment on function perdure._effect_invoke(uuid, uuid, text, json) is 'A task that starts a run of a job.';
