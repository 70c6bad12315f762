-- _check_task_calls: a batch of task calls as an array, for what takes several looks at it.
-- Arguments  as _task_calls.
-- Returns    the calls in their order; null: none.
-- Called by  upsert_tasks, finish_tasks, begin_task, _store_tasks.
create or replace function perdure._check_task_calls(
    p_calls json, p_ids_from bigint default null, p_ids_tail text default null, p_trusted boolean default false
)
returns perdure.task_call[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_calls perdure.task_call[];
begin
    select array_agg(c order by c.ordinal) into v_calls
    from perdure._task_calls(perdure._shield(p_calls), p_ids_from, p_ids_tail, p_trusted) as c;
    return v_calls;
end;
$$;
comment on function perdure._check_task_calls(json, bigint, text, boolean) is 'A batch of task calls as an array.';
