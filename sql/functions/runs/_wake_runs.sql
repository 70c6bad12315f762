-- _wake_runs: let runs go on that waited for one of these tasks. One that is executing learns of it when its reply
-- comes. A task inside parallel ones lets its run go on only when no other of them waits: until then nothing could be
-- done.
-- Arguments  p_task_ids  tasks that have ended, or may go on; their runs are locked by the caller. Null or empty:
--            nothing to do.
-- Returns    the runs that go on; they are queued.
-- Called by  upsert_tasks, finish_tasks, _complete_callbacks, _end_due_waits, the operations' answers.
create or replace function perdure._wake_runs(p_task_ids uuid[])
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_run_ids uuid[];
begin
    if coalesce(cardinality(p_task_ids), 0) = 0 then
        return '{}'::uuid[];
    end if;
    with woken as (
        update perdure.runs as r
        set status = 'WAITING_TO_EXECUTE', updated_at = perdure.clock()
        where
            r.status = 'WAITING_TO_CONTINUE'
            and r.id = any(array(
                select t.run_id
                from perdure.tasks as t
                where
                    t.id = any(p_task_ids)
                    and case when t.parent_id is null then true else not perdure._waits_with_siblings(t) end
            ))
        returning r.id
    )
    select coalesce(array_agg(w.id order by w.id), '{}') into v_run_ids from woken as w;
    perform perdure._enqueue_runs(v_run_ids);
    return v_run_ids;
end;
$$;
comment on function perdure._wake_runs(uuid[]) is 'Let runs go on that waited for a task.';
