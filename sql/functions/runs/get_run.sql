-- get_run: a run with its tasks.
-- Arguments  p_subtasks      nest the tasks made inside tasks; false: outermost tasks only;
--            p_task_details  with the tasks' params and outputs;
--            p_cursor        nextCursor of the page before; p_take  outermost tasks in one page, 1 to 50.
-- Returns    {id, status, startedAt, updatedAt, completedAt, output?, tags: […], metadata: {…}, statuses: […],
--            tasks: […], nextCursor?}.
-- Errors     JQ001 not_found.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.get_run(
    p_environment_id uuid, p_run_id uuid, p_subtasks boolean default false, p_task_details boolean default false,
    p_cursor uuid default null, p_take integer default 20
)
returns json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_run constant perdure.runs := perdure._find_run(p_environment_id, p_run_id);
    v_take constant integer := greatest(least(p_take, 50), 1);
    v_tasks json;
    v_next_cursor uuid;
begin
    select
        json_agg(perdure._run_task_json(page.task, p_subtasks, p_task_details) order by page.ordinal)
            filter (where page.ordinal <= v_take),
        (array_agg((page.task).id) filter (where page.ordinal > v_take))[1]
    into v_tasks, v_next_cursor
    from (
        select t as task, row_number() over (order by t.id) as ordinal
        from perdure.tasks as t
        where t.run_id = p_run_id and t.parent_id is null and (p_cursor is null or t.id >= p_cursor)
        order by t.id
        limit v_take + 1
    ) as page;

    return perdure._json_object(
        variadic perdure._run_members(v_run) || array[
            perdure._member('tasks', coalesce(v_tasks, '[]')),
            perdure._member('nextCursor', to_json(v_next_cursor))
        ]
    );
end;
$$;
comment on function perdure.get_run(uuid, uuid, boolean, boolean, uuid, integer) is 'A run with its tasks.';
