-- _store_reply_tasks: store the tasks that ride along with replies, then the task that a reply is about where the
-- platform has not seen it yet.
-- Arguments  p_results  results that moved their run.
-- Errors     as Postgres says of values that cannot be stored.
-- Locks      tasks of these runs, which the caller has locked.
-- Called by  _apply_replies.
create or replace function perdure._store_reply_tasks(p_results perdure.execution_result[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_calls text;
begin
    select string_agg(
        concat('{"runId":"', r.run_id, '","task":', i.task, '}'), ',' order by r.run_id, i.ordinal
    ) into v_calls
    from unnest(p_results) as r
    cross join lateral (
        select e.task, e.ordinal
        from json_array_elements(
            case when json_typeof(r.reply -> 'tasks') <> 'null' then r.reply -> 'tasks' end
        ) with ordinality as e (task, ordinal)
        union all
        select r.reply -> 'task', null  -- last
        where json_typeof(r.reply -> 'task') = 'object' and r.reply -> 'task' ->> 'id' is null
    ) as i (task, ordinal)
    where r.reply -> 'tasks' is not null or r.reply -> 'task' is not null;
    if v_calls is not null then
        perform perdure._store_tasks(('[' || v_calls || ']')::json, true, true, true);
    end if;
end;
$$;
comment on function perdure._store_reply_tasks(perdure.execution_result[]) is 'Store the tasks of replies.';
