-- _new_tasks: the tasks that calls ask for, as rows, were they all new. An absent status follows from the run, the
-- delay, the callback and noop.
-- Arguments  as _task_calls; calls with an error are passed over; p_now  this instant.
-- Returns    a row for each other call, in the order in which tasks are locked, so that two batches cannot wait for
--            each other: by run and key, but tasks inside others last, so that most of these find theirs stored.
--            says_end: the call itself says how the task ended, which does not just follow from noop.
-- Called by  _store_tasks, _meet_tasks, whose statements it becomes a part of, as a function in SQL does that is not
--            volatile.
create or replace function perdure._new_tasks(
    p_calls json, p_ids_from bigint, p_ids_tail text, p_trusted boolean, p_now timestamptz
)
returns table (
    id uuid, run_id uuid, idempotency_key text, display_key text, parent_id uuid, status text, noop boolean, name text,
    icon text, description text, params json, properties json, output_properties json, style json, connection_key text,
    redact json, operation text, effect text, child_execution_mode text, output json, delay_until timestamptz,
    due_at timestamptz, callback_url text, callback_timeout_at timestamptz, started_at timestamptz,
    completed_at timestamptz, says_end boolean
)
language sql stable
begin atomic
    select
        n.new_id,
        n.run_id,
        (n.task)."idempotencyKey",
        (n.task)."displayKey",
        n.parent_id,
        n.status,
        coalesce((n.task).noop, false),
        coalesce((n.task).name, 'Task'),
        (n.task).icon,
        (n.task).description,
        perdure._unshield((n.task).params),
        perdure._unshield((n.task).properties),
        perdure._unshield((n.task)."outputProperties"),
        coalesce((n.task).style, '{"style": "normal"}'),
        (n.task)."connectionKey",
        (n.task).redact,
        (n.task).operation,
        case when (n.task).effect is not null then coalesce((n.task).effect ->> 'type', '') end,
        case when (n.task).parallel then 'PARALLEL' else 'SEQUENTIAL' end,
        perdure._unshield(
            case n.status when 'COMPLETED' then n.body -> 'output' when 'ERRORED' then n.body -> 'error' end
        ),
        n.delay_until,
        case when n.status = 'WAITING' then coalesce(n.callback_timeout_at, n.delay_until) end,
        case when n.callback_secret is not null then perdure._callback_url(n.new_id, n.callback_secret) end,
        n.callback_timeout_at,
        coalesce((n.task)."startedAt", p_now),
        case when n.status in ('COMPLETED', 'ERRORED', 'CANCELED') then p_now end,
        n.says_end
    from (
        select
            c.new_id,
            c.run_id,
            c.body,
            c.task,
            coalesce((c.task).status in ('COMPLETED', 'ERRORED'), false) as says_end,
            case
                when c.canceled then 'CANCELED'
                when (c.task).status in ('COMPLETED', 'ERRORED', 'RUNNING') then (c.task).status
                when (c.task).effect is not null then 'RUNNING'
                when coalesce(p_now + make_interval(secs => (c.task)."delaySeconds"), (c.task)."delayUntil") > p_now
                then 'WAITING'
                when (c.task).callback ->> 'enabled' = 'true' then 'WAITING'
                when (c.task).noop then 'COMPLETED'
                else 'RUNNING'
            end as status,
            case
                when (c.task)."parentKey" is null then (c.task)."parentId"
                else perdure._parent_id(
                        p_calls, p_ids_from, p_ids_tail, p_trusted, c.run_id, (c.task)."parentKey", c.new_id
                    )
            end as parent_id,
            coalesce(p_now + make_interval(secs => (c.task)."delaySeconds"), (c.task)."delayUntil") as delay_until,
            case when (c.task).callback is not null then perdure._new_callback_secret((c.task).callback) end
                as callback_secret,
            case when (c.task).callback is not null then p_now + perdure._callback_timeout((c.task).callback) end
                as callback_timeout_at
        from perdure._task_calls(p_calls, p_ids_from, p_ids_tail, p_trusted) as c
        where c.error_code is null
        order by (c.task)."parentKey" is not null, c.run_id, (c.task)."idempotencyKey" collate "C", c.ordinal
        offset 0  -- each of these once
    ) as n;
end;
comment on function perdure._new_tasks(json, bigint, text, boolean, timestamptz) is
'The tasks that calls ask for, as rows.';
