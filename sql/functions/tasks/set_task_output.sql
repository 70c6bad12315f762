-- set_task_output: give a task of a run that is not being executed another result, as if it had returned it. One
-- that failed, or was open when its run ended, becomes COMPLETED with it: a run that is continued goes on from there.
-- Arguments  p_output  the result; null: none, as of a task that returns nothing. What the task marks as secret is not
--            shown of it either.
-- Returns    the task, with params and output, as get_run shows it.
-- Errors     JQ001 not_found, also for another run's task; JQ002 wrong_state: the run is executed, or may be at any
--            moment; the task has not ended.
-- Locks      the run, then the task.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.set_task_output(
    p_environment_id uuid, p_run_id uuid, p_task_id uuid, p_output json
)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_run perdure.runs;
    v_task perdure.tasks;
begin
    perform perdure._find_run(p_environment_id, p_run_id);
    select r.* into v_run from perdure.runs as r where r.id = p_run_id for update;
    if
        v_run.status not in ('WAITING_TO_CONTINUE', 'WAITING_ON_CONNECTIONS')
        and not perdure._is_final(v_run.status)
    then
        raise exception using
            errcode = 'JQ002',
            message = format(
                'run %s is %s: its results can be changed while it waits and when it has ended; cancel it first, '
                'and continue it then',
                p_run_id, v_run.status
            );
    end if;
    select t.* into v_task from perdure.tasks as t where t.id = p_task_id and t.run_id = p_run_id for update;
    if not found then
        raise exception using
            errcode = 'JQ001', message = format('run %s has no task %s', p_run_id, quote_nullable(p_task_id));
    elsif v_task.completed_at is null then
        raise exception using
            errcode = 'JQ002', message = format('task %s is %s: it has not ended', p_task_id, v_task.status);
    end if;

    if v_task.status = 'ERRORED' then
        -- Tried once more, by hand: what it failed with stays in its history.
        if v_task.output is not null then
            insert into perdure.task_attempts (task_id, number, error, ended_at, next_at)
            values (v_task.id, v_task.attempt_count, v_task.output, v_task.completed_at, v_now);
        end if;
        update perdure.tasks as t
        set
            status = 'RUNNING',
            attempt_count = t.attempt_count + case when t.output is null then 0 else 1 end,
            completed_at = null
        where t.id = p_task_id;
    end if;
    update perdure.tasks as t
    set
        status = 'COMPLETED',
        output = p_output,
        completed_at = case when v_task.status = 'COMPLETED' then v_task.completed_at else v_now end,
        updated_at = v_now
    where t.id = p_task_id
    returning t.* into v_task;
    return perdure._run_task_json(v_task, false, true);
end;
$$;
comment on function perdure.set_task_output(uuid, uuid, uuid, json) is 'Give a task another result.';
