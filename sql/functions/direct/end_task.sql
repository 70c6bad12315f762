-- end_task: end a task in the transaction that did its work, which begin_task began. It is stored exactly when that
-- commits.
-- Arguments  p_lease_number  of the execution that did the work;
--            p_tasks         JSON array of TaskRecords as upsert_tasks takes them: the task last, with its end, and
--            before it what it lies in, where that is new.
-- Errors     as upsert_tasks answers: JQ001 not_found, JQ003 already_finished, JQ005 lease_lost, JQ010
--            invalid_argument, which is also said when this is not the transaction in which begin_task was called for
--            the task, since something has committed or rolled back in between. Whoever gets an error rolls back.
-- Locks      the tasks, until the transaction ends; no run rows.
-- Called by  apps in direct mode.
create or replace function perdure.end_task(
    p_environment_id uuid, p_run_id uuid, p_lease_number integer, p_tasks json
)
returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_tasks constant json := perdure._shield(p_tasks);
    v_error_code text;
    v_error_message text;
begin
    if p_lease_number is null or p_tasks is null or json_typeof(v_tasks) <> 'array' or v_tasks ->> 0 is null then
        raise exception using
            errcode = 'JQ010', message = 'end_task needs a lease number and a JSON array of one or more tasks';
    end if;
    if current_setting('perdure.task', true) is distinct from p_run_id::text || ':' || (v_tasks -> -1 ->> 'idempotencyKey')
    then
        raise exception using
            errcode = 'JQ010',
            message = format(
                'task %s was not begun in this transaction: between begin_task and end_task nothing may commit or roll back',
                v_tasks -> -1 ->> 'idempotencyKey'
            );
    end if;

    select u.error_code, u.error_message into v_error_code, v_error_message
    from perdure.upsert_tasks((
        select json_agg(json_build_object(
            'environmentId', p_environment_id, 'runId', p_run_id, 'leaseNumber', p_lease_number, 'task', t.task
        ) order by t.ordinal)
        from json_array_elements(v_tasks) with ordinality as t (task, ordinal)
    ), true) as u
    where u.error_code is not null
    order by u.ordinal
    limit 1;
    if v_error_code is not null then
        raise exception using errcode = v_error_code, message = v_error_message;
    end if;
    perform set_config('perdure.task', '', true);
end;
$$;
comment on function perdure.end_task(uuid, uuid, integer, json) is 'End a task in the transaction that did its work.';
