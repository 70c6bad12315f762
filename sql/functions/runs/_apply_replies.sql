-- _apply_replies: store the tasks that replies carry; schedule their waits and next attempts; find the runs
-- to execute again now. Dispatchers are told of what is due soon: who stores a reply, say the server that an app is
-- connected to, may be none.
-- Arguments  p_results  results that moved their run, with the status it got.
-- Returns    runs to queue: those that yielded, and those whose awaited task has ended meanwhile.
-- Errors     JQ010 invalid_argument: a reply is about a task that its run does not have; and what Postgres says
--            of values that cannot be stored.
-- Locks      tasks of these runs, which the caller has locked.
-- Called by  apply_results.
create or replace function perdure._apply_replies(p_results perdure.execution_result[])
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_results perdure.execution_result[];  -- those about a task, with its id
    v_waiting_ids uuid[];
    v_ready_ids uuid[];
    v_task_due_at timestamptz;
    v_run_due_at timestamptz;
begin
    -- 1. Tasks riding along, then the task that the reply is about when the platform has not seen it yet.
    perform perdure._store_reply_tasks(p_results);

    -- 2. What each reply, or each of the replies of parallel children, says about its task, found by id, or by key
    -- where the reply defined it.
    select array_agg(row(
        r.run_id, r.lease_number, r.verdict, r.duration_ms, r.http_status, r.message, i.reply, i.reply ->> 'status',
        r.run_status, t.id
    )::perdure.execution_result order by r.run_id) into v_results
    from unnest(p_results) as r
    cross join lateral (
        select r.reply
        union all
        select c.reply
        from json_array_elements(r.reply -> 'childErrors') as c (reply)
        where r.reply_status = 'RESUME_WITH_PARALLEL_TASK'
    ) as i (reply)
    -- limit keeps this an index look-up a reply, whatever the planner thinks of the number of results.
    cross join lateral (
        select t.id
        from perdure.tasks as t
        where
            t.run_id = r.run_id
            and t.id = coalesce(
                perdure._to_uuid(coalesce(i.reply -> 'task' ->> 'id', i.reply ->> 'id')),
                (
                    select k.id from perdure.tasks as k
                    where k.run_id = r.run_id and k.idempotency_key = i.reply -> 'task' ->> 'idempotencyKey'
                )
            )
        limit 1
    ) as t
    where r.reply is not null and r.reply_status <> 'SUCCESS';
    if exists (
        select 1 from unnest(p_results) as r
        where
            r.reply_status in (
                'RESUME_WITH_TASK', 'RESUME_WITH_PARALLEL_TASK', 'RETRY_WITH_TASK',
                'AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK'
            )
            and not exists (
                select 1 from unnest(v_results) as n where n.run_id = r.run_id and n.reply_status = r.reply_status
            )
    ) then
        raise exception using errcode = 'JQ010', message = 'it is about a task that its run does not have';
    end if;
    perform perdure._complete_yielded_tasks(v_results);
    perform perdure._fail_reported_tasks(v_results);
    perform perdure._retry_tasks(v_results);
    perform perdure._await_tasks(v_results);

    -- 3. A wait that is over, or a task finished by somebody else, before the reply was handed in: nobody else
    -- would wake the run.
    select coalesce(array_agg(distinct n.run_id), '{}'), min(t.due_at) into v_waiting_ids, v_task_due_at
    from unnest(v_results) as n
    cross join lateral (
        select t.status, t.operation, t.due_at from perdure.tasks as t where t.id = n.task_id limit 1
    ) as t
    where
        t.status = 'WAITING' or (t.status = 'RUNNING' and t.operation is not null)
        or (
            n.reply_status = 'RESUME_WITH_PARALLEL_TASK' and perdure._has_waiting_subtasks(n.run_id, n.task_id)
        );
    update perdure.runs as r
    set
        status = 'WAITING_TO_EXECUTE',
        idle_count = p.idle_count,
        -- A reply that waits for what is over since an earlier execution would be a hot loop.
        due_at = case when p.idle_count > 0 then v_now + perdure._idle_delay(p.idle_count, false) end,
        updated_at = v_now
    from unnest(p_results) as u
    inner join perdure.runs as x on x.id = u.run_id
    inner join perdure.executions as e on e.run_id = u.run_id and e.lease_number = u.lease_number
    cross join lateral (
        select case when perdure._made_progress(u.run_id, e.claimed_at) then 0 else x.idle_count + 1 end as idle_count
    ) as p
    where u.run_status = 'WAITING_TO_CONTINUE' and r.id = u.run_id and r.id <> all(v_waiting_ids);

    select
        array_agg(r.id order by r.id) filter (where r.status = 'WAITING_TO_EXECUTE' and r.due_at is null),
        min(r.due_at)
    into v_ready_ids, v_run_due_at
    from perdure.runs as r
    where r.id = any(array(select u.run_id from unnest(p_results) as u));
    perform perdure._notify_of_due(least(v_task_due_at, v_run_due_at));
    return v_ready_ids;
end;
$$;
comment on function perdure._apply_replies(perdure.execution_result[])
is 'Store and schedule what replies say about tasks.';
