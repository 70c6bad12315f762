-- _await_tasks: RESUME_WITH_TASK says which task the run waits for. Keep what the user's code wants shown on
-- it; and give a due time to one that waits for nobody else, so that no run waits for ever. Who is to be called back
-- may take for ever: that is the user's to say.
-- Arguments  p_results  results that are about a task, with its id; null: nothing to do.
-- Called by  _apply_replies.
create or replace function perdure._await_tasks(p_results perdure.execution_result[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    update perdure.tasks as t
    set
        output_properties = coalesce(perdure._unshield(r.reply -> 'task' -> 'outputProperties'), t.output_properties),
        due_at = case
            when t.status = 'WAITING' and t.operation is null and t.callback_url is null and t.effect is null
                then coalesce(t.due_at, t.delay_until, perdure.clock())
            else t.due_at
        end,
        updated_at = perdure.clock()
    from unnest(p_results) as r
    where
        r.reply_status in ('RESUME_WITH_TASK', 'RESUME_WITH_PARALLEL_TASK')
        and t.id = r.task_id
        and (
            r.reply -> 'task' -> 'outputProperties' is not null
            or (
                t.status = 'WAITING' and t.operation is null and t.callback_url is null and t.effect is null
                and t.due_at is null
            )
        );
end;
$$;
comment on function perdure._await_tasks(perdure.execution_result[]) is 'Note which tasks runs wait for.';
