-- _meet_tasks: what calls say about tasks that exist: an open one takes an outcome, a CANCELED one (of a run that is
-- being continued) starts anew, any other is left as it is. Of several calls for a task one with an outcome counts, the
-- first.
-- Arguments  as _new_tasks and _store_tasks.
-- Returns    the tasks that have changed; null: none.
-- Errors     JQ002 wrong_state, as _store_tasks.
-- Locks      those that may change, in the order of _new_tasks.
-- Called by  _store_tasks.
create or replace function perdure._meet_tasks(
    p_calls json, p_ids_from bigint, p_ids_tail text, p_trusted boolean, p_runs_locked boolean
)
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_met_ids uuid[];
    v_awaited boolean;
    v_changed_ids uuid[];
begin
    select
        array_agg(t.id),
        bool_or(n.says_end and (t.status = 'WAITING' or (t.status = 'RUNNING' and t.operation is not null)))
    into v_met_ids, v_awaited
    from perdure._new_tasks(p_calls, p_ids_from, p_ids_tail, p_trusted, v_now) as n
    cross join lateral (
        select x.id, x.status, x.operation
        from perdure.tasks as x
        where
            x.run_id = n.run_id and x.idempotency_key = n.idempotency_key
            and x.status in ('PENDING', 'RUNNING', 'WAITING', 'CANCELED')
        for update
    ) as t;
    if v_met_ids is null then
        return null;
    elsif v_awaited and not p_runs_locked then
        raise exception using
            errcode = 'JQ002', message = 'a task that waits would end, and its run is not locked';
    end if;

    with changed as (
        update perdure.tasks as t
        set
            status = n.status,
            output = n.output,
            output_properties = coalesce(n.output_properties, t.output_properties),
            effect = case when t.status = 'CANCELED' then n.effect else t.effect end,
            delay_until = coalesce(n.delay_until, t.delay_until),
            due_at = n.due_at,
            callback_url = coalesce(replace(n.callback_url, n.id::text, t.id::text), t.callback_url),
            callback_timeout_at = coalesce(n.callback_timeout_at, t.callback_timeout_at),
            completed_at = n.completed_at,
            updated_at = v_now
        from (
            select distinct on (m.run_id, m.idempotency_key) m.*
            from perdure._new_tasks(p_calls, p_ids_from, p_ids_tail, p_trusted, v_now) as m
            order by m.run_id, m.idempotency_key, m.says_end desc, m.id
        ) as n
        where
            t.id = any(v_met_ids) and t.run_id = n.run_id and t.idempotency_key = n.idempotency_key
            and (
                (t.status in ('PENDING', 'RUNNING', 'WAITING') and n.says_end)
                or (t.status = 'CANCELED' and n.status <> 'CANCELED')
            )
        returning t.id
    )
    select array_agg(h.id) into v_changed_ids from changed as h;
    return v_changed_ids;
end;
$$;
comment on function perdure._meet_tasks(json, bigint, text, boolean, boolean) is
'What calls say about tasks that exist.';
