-- _store_tasks: create tasks, or meet them again: one statement, any number of tasks of any number of runs.
-- A task that exists is left as it is, except that an open one takes an outcome, and a CANCELED one (of a run
-- that is being continued) starts anew. Of two calls for the same task the one with an outcome counts.
-- Arguments  p_calls  those with an error are passed over; body: a TaskRecord or the body of "run task". An
--            absent status follows from the run, the delay, the callback and noop. Outcomes: COMPLETED with output,
--            ERRORED with error. An effect is brought about when its task is created or starts anew: it is performed or
--            begun, in this transaction, and it says how the task stands.
-- Returns    a row for each call that may write: the task as it is now.
-- Locks      tasks that exist, in the order of run_id and idempotency_key; then as _begin_effects.
-- Called by  upsert_tasks, _apply_replies.
create or replace function perdure._store_tasks(p_calls perdure.task_call[])
returns table (ordinal integer, task perdure.tasks)
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := perdure.clock();
    v_soon constant timestamptz := v_now + interval '15 seconds';
    v_wakes boolean;
    v_operation_ids uuid[];
    v_effect_ids uuid[];
begin
    with input as materialized (
        select
            c.ordinal,
            c.run_id,
            f.*,
            d.delay_until,
            d.callback_secret,
            case when d.callback_secret is not null then d.callback_timeout_at end as callback_timeout_at,
            case s.status when 'COMPLETED' then c.body -> 'output' when 'ERRORED' then c.body -> 'error' end as output,
            s.status as initial_status
        from unnest(p_calls) as c
        cross join lateral json_to_record(c.body) as f (
            "idempotencyKey" text, "displayKey" text, "parentId" uuid, "parentKey" text, status text, noop boolean,
            name text, icon text, description text, params json, properties json, "outputProperties" json, style json,
            "connectionKey" text, operation text, parallel boolean, "delayUntil" timestamptz,
            "delaySeconds" double precision, "startedAt" timestamptz, callback json, redact json, effect json
        )
        cross join lateral (
            select
                coalesce(v_now + make_interval(secs => f."delaySeconds"), f."delayUntil") as delay_until,
                case when f.callback ->> 'enabled' = 'true' then perdure._new_callback_secret() end as callback_secret,
                v_now + make_interval(
                    secs => nullif(coalesce((f.callback ->> 'timeoutInSeconds')::double precision, 3600), 0)
                ) as callback_timeout_at
        ) as d
        cross join lateral (
            select case
                when c.canceled then 'CANCELED'
                when f.status in ('COMPLETED', 'ERRORED', 'RUNNING') then f.status
                when f.effect is not null then 'RUNNING'
                when d.delay_until > v_now or d.callback_secret is not null then 'WAITING'
                when f.noop then 'COMPLETED'
                else 'RUNNING'
            end as status
        ) as s
        where c.error_code is null
    ),
    fresh as materialized (
        -- Ids ascend in the order in which tasks are first met; what is inside a task comes after it.
        select n.*, perdure.new_id() as id
        from (
            select f.*
            from (
                select distinct on (i.run_id, i."idempotencyKey")
                    i.*,
                    min(i.ordinal) over (partition by i.run_id, i."idempotencyKey") as first_ordinal
                from input as i
                order by
                    i.run_id, i."idempotencyKey", coalesce(i.status in ('COMPLETED', 'ERRORED'), false) desc, i.ordinal
            ) as f
            order by f.first_ordinal
        ) as n
    ),
    stored as (
        insert into perdure.tasks as t (
            id, run_id, idempotency_key, display_key, parent_id, status, noop, name, icon, description, params,
            properties, output_properties, style, connection_key, redact, operation, effect, child_execution_mode, output,
            delay_until, due_at, callback_url, callback_timeout_at, started_at, completed_at, created_at, updated_at
        )
        select
            f.id, f.run_id, f."idempotencyKey", f."displayKey",
            case
                when f."parentKey" is null then f."parentId"
                else coalesce(
                    (
                        select p.id from perdure.tasks as p
                        where p.run_id = f.run_id and p.idempotency_key = f."parentKey"
                    ),
                    (
                        select p.id from fresh as p
                        where p.run_id = f.run_id and p."idempotencyKey" = f."parentKey" and p.id < f.id
                    )
                )
            end,
            f.initial_status, coalesce(f.noop, false), coalesce(f.name, 'Task'), f.icon, f.description,
            perdure._unshield(f.params), perdure._unshield(f.properties), perdure._unshield(f."outputProperties"),
            coalesce(f.style, '{"style": "normal"}'), f."connectionKey", f.redact, f.operation,
            case when f.effect is not null then coalesce(f.effect ->> 'type', '') end,
            case when f.parallel then 'PARALLEL' else 'SEQUENTIAL' end, perdure._unshield(f.output), f.delay_until,
            case when f.initial_status = 'WAITING' then coalesce(f.callback_timeout_at, f.delay_until) end,
            case when f.callback_secret is not null then perdure._callback_url(f.id, f.callback_secret) end,
            f.callback_timeout_at,
            coalesce(f."startedAt", v_now),
            case when f.initial_status in ('COMPLETED', 'ERRORED', 'CANCELED') then v_now end,
            v_now, v_now
        from fresh as f
        order by f.run_id, f."idempotencyKey" collate "C"  -- so that two batches cannot wait for each other
        on conflict (run_id, idempotency_key) do update
        set
            status = excluded.status,
            output = excluded.output,
            output_properties = coalesce(excluded.output_properties, t.output_properties),
            effect = case when t.status = 'CANCELED' then excluded.effect else t.effect end,
            delay_until = coalesce(excluded.delay_until, t.delay_until),
            due_at = excluded.due_at,
            callback_url = coalesce(replace(excluded.callback_url, excluded.id::text, t.id::text), t.callback_url),
            callback_timeout_at = coalesce(excluded.callback_timeout_at, t.callback_timeout_at),
            completed_at = excluded.completed_at,
            updated_at = v_now
        where
            (
                t.status in ('PENDING', 'RUNNING', 'WAITING')
                -- said, and not just what follows from noop for a task that is new
                and excluded.id in (select f.id from fresh as f where f.status in ('COMPLETED', 'ERRORED'))
            )
            or (t.status = 'CANCELED' and excluded.status <> 'CANCELED')
        returning t.id, t.due_at, t.status, t.operation, t.effect
    )
    select
        bool_or(s.due_at <= v_soon),
        array_agg(s.id order by s.id) filter (where s.operation is not null and s.status = 'RUNNING'),
        array_agg(s.id) filter (where s.effect is not null and s.status = 'RUNNING')
    into v_wakes, v_operation_ids, v_effect_ids
    from stored as s;

    if v_wakes then
        perform perdure._notify_dispatchers('due');
    end if;
    if v_operation_ids is not null then
        perform perdure._begin_operations(v_operation_ids);
    end if;
    if v_effect_ids is not null then
        perform perdure._begin_effects(p_calls, v_effect_ids);
    end if;

    -- limit keeps this an index look-up a row, whatever the planner thinks of the number of calls.
    return query
    select c.ordinal, t.task
    from unnest(p_calls) as c
    cross join lateral (
        select x as task
        from perdure.tasks as x
        where x.run_id = c.run_id and x.idempotency_key = c.body ->> 'idempotencyKey'
        limit 1
    ) as t
    where c.error_code is null;
end;
$$;
comment on function perdure._store_tasks(perdure.task_call[]) is 'Create tasks, or meet them again.';
