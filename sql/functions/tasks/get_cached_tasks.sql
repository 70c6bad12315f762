-- get_cached_tasks: the next page of a run's tasks, for an execution whose run has more than fit into
-- EXECUTE_JOB.
-- Arguments  p_cursor  cachedTaskCursor of EXECUTE_JOB, or cursor of the page before; null: from the
--            beginning.
-- Returns    {tasks: [CachedTask…], cursor?}: up to 250 tasks and 2 MB.
-- Errors     JQ001 not_found.
-- Called by  the server.
create or replace function perdure.get_cached_tasks(p_environment_id uuid, p_run_id uuid, p_cursor uuid)
returns json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_run constant perdure.runs := perdure._find_run(p_environment_id, p_run_id);
begin
    return (
        select perdure._json_object(
            perdure._member('tasks', k.tasks),
            perdure._member('cursor', to_json(k.next_cursor))
        )
        from perdure.endpoints as p
        cross join lateral perdure._cached_tasks(p_run_id, p.sdk_name = 'perdure', p_cursor, 2000000, 250) as k
        where p.id = v_run.endpoint_id
    );
end;
$$;
comment on function perdure.get_cached_tasks(uuid, uuid, uuid) is 'The next page of a run''s tasks.';
