-- rerun_from_task: do a part of a run's work again, from one task on: a new run as of rerun_run, in which what had
-- ended before the task answers from the store; the task itself and what came after it are done again. The old run
-- stays as it is. Its tags, metadata and statuses go with the new run.
-- Arguments  p_task_id  a task of the run. Before it are those that the run shows above it; _tasks_before has the rest.
-- Returns    the new run (as get_run).
-- Errors     JQ001 not_found, also for another run's task; JQ002 wrong_state: the job is disabled in this environment,
--            or a finished task cannot be taken over, because its key is unknown: the JavaScript SDK does not tell
--            the keys that are lists.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.rerun_from_task(p_environment_id uuid, p_run_id uuid, p_task_id uuid)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_run constant perdure.runs := perdure._find_run(p_environment_id, p_run_id);
    v_new_run_id uuid;
begin
    if not exists (select 1 from perdure.tasks as t where t.id = p_task_id and t.run_id = p_run_id) then
        raise exception using
            errcode = 'JQ001', message = format('run %s has no task %s', p_run_id, quote_nullable(p_task_id));
    end if;
    v_new_run_id := perdure._rerun_run(v_run, null);
    perform perdure._take_over_tasks(p_run_id, v_new_run_id, p_task_id);

    insert into perdure.run_tags (run_id, tag, environment_id)
    select v_new_run_id, t.tag, t.environment_id
    from perdure.run_tags as t
    where t.run_id = p_run_id
    on conflict (run_id, tag) do nothing;

    insert into perdure.run_metadata (run_id, metadata)
    select v_new_run_id, m.metadata
    from perdure.run_metadata as m
    where m.run_id = p_run_id
    on conflict (run_id) do update set metadata = excluded.metadata;

    insert into perdure.run_statuses (run_id, key, label, state, data, history, created_at, updated_at)
    select v_new_run_id, s.key, s.label, s.state, s.data, s.history, s.created_at, s.updated_at
    from perdure.run_statuses as s
    where s.run_id = p_run_id;
    return perdure.get_run(p_environment_id, v_new_run_id);
end;
$$;
comment on function perdure.rerun_from_task(uuid, uuid, uuid) is 'Do a run''s work again, from one task on.';
