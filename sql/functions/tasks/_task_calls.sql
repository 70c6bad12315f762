-- _task_calls: a batch of task calls, parsed, with the reason why one may not write. Reads the runs without locking
-- them: a lease lost between this look and the write costs nothing, since a task's result is recorded once, by whoever
-- comes first.
-- Arguments  p_calls     shielded JSON array of task_message;
--            p_ids_from, p_ids_tail  for the ids of new tasks, by _id_at, which ascend in the order of the calls; null:
--            the calls are about tasks by their ids;
--            p_trusted   all may write: they come from a reply that has just been accepted.
-- Returns    a row for each call. Codes: JQ001 not_found, JQ002 wrong_state, JQ003 already_finished, JQ005 lease_lost,
--            JQ010 invalid_argument.
-- Called by  _check_task_calls, _new_tasks, whose statements it becomes a part of, as a function in SQL that is not
--            volatile does.
create or replace function perdure._task_calls(p_calls json, p_ids_from bigint, p_ids_tail text, p_trusted boolean)
returns setof perdure.task_call
language sql stable
begin atomic
    select
        c.ordinal::integer,
        c.environment_id,
        c.run_id,
        c.task_id,
        perdure._id_at(p_ids_from + c.ordinal, p_ids_tail),
        c.lease_number,
        c.body,
        c.task,
        r.completed_at is not null and not p_trusted,
        case
            when p_trusted then null
            when r.status is null then 'JQ001'
            when r.completed_at is not null and c.lease_number is not null then 'JQ003'
            when c.lease_number <> r.lease_number or (c.lease_number is not null and r.status <> 'EXECUTING')
            then 'JQ005'
            when p_ids_from is not null and coalesce((c.task)."idempotencyKey", '') = '' then 'JQ010'
            when (c.task).callback is not null and perdure._lacks_public_url((c.task).callback) then 'JQ002'
        end
    from (
        select
            i.ordinal,
            i."environmentId" as environment_id,
            i."runId" as run_id,
            i."taskId" as task_id,
            i."leaseNumber" as lease_number,
            i.task as body,
            json_populate_record(null::perdure.task_record, i.task) as task
        from
            json_populate_recordset(null::perdure.task_message, p_calls)
            with ordinality as i ("environmentId", "runId", "taskId", "leaseNumber", task, ordinal)
        offset 0  -- parsed once -- noqa: AM09
    ) as c
    left join perdure.runs as r on r.id = c.run_id and r.environment_id = c.environment_id;
end;
comment on function perdure._task_calls(json, bigint, text, boolean) is 'A batch of task calls, parsed and checked.';
