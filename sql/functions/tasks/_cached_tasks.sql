-- _cached_tasks: a page of the tasks that an execution is told, so that it need not ask for them.
-- Arguments  p_all        every task (an SDK that starts a task without asking must know all of them); false:
--            the completed ones that have a result;
--            p_cursor     first task of the page; null: from the beginning;
--            p_max_bytes  stop at the first task that does not fit, but return at least one; p_max_count
--            null: no limit.
-- Returns    one row: tasks as JSON (CachedTask and attempts; p_all: what people call them), oldest first; the first
--            task left out, or null.
-- Called by  _begun_members, get_cached_tasks.
create or replace function perdure._cached_tasks(
    p_run_id uuid, p_all boolean, p_cursor uuid, p_max_bytes integer, p_max_count integer
)
returns table (tasks json, next_cursor uuid)
language sql stable
begin atomic
    select
        coalesce('[' || string_agg(c.task, ',' order by c.id) filter (where c.fits) || ']', '[]')::json,
        (array_agg(c.id order by c.id) filter (where not c.fits))[1]
    from (
        select
            i.id,
            i.task,
            row_number() over oldest = 1 or (
                sum(octet_length(i.task) + 1) over oldest <= p_max_bytes
                and (p_max_count is null or row_number() over oldest <= p_max_count)
            ) as fits
        from (
            select
                t.id,
                concat(
                    '{"id":"', t.id,
                    '","idempotencyKey":', to_json(t.idempotency_key),
                    ',"status":"', t.status,
                    '","noop":', case when t.noop then 'true' else 'false' end,
                    ',"attempts":', t.attempt_count,
                    ',"parentId":"' || t.parent_id || '"',
                    case when p_all then ',"displayKey":' || to_json(t.display_key) end,
                    case when p_all then ',"name":' || to_json(t.name) end,
                    case when p_all then ',"operation":"' || t.operation || '"' end,
                    ',"output":' || t.output,
                    '}'
                ) as task
            from perdure.tasks as t
            where
                t.run_id = p_run_id
                and (p_cursor is null or t.id >= p_cursor)
                and (p_all or (t.status = 'COMPLETED' and not t.noop))
            order by t.id
            limit p_max_count + 1  -- the last one is the next page's first; null: all
        ) as i
        window oldest as (order by i.id rows unbounded preceding)
    ) as c;
end;
comment on function perdure._cached_tasks(uuid, boolean, uuid, integer, integer)
is 'A page of the tasks an execution is told.';
