-- _begin_effects: do what storing tasks brings about: send events, start runs, begin to wait. Each task answers for
-- itself: what cannot be done makes it ERRORED, and is not the others' fault.
-- Arguments  p_calls  as _store_tasks has them; p_task_ids  RUNNING, with an effect, just created or begun anew.
-- Locks      as send_events and invoke_job, a task after the other in the order of their ids. The runs of tasks that
--            wait for an event are locked by the caller.
-- Called by  _store_tasks.
create or replace function perdure._begin_effects(p_calls perdure.task_call[], p_task_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_task record;
begin
    for v_task in
        select t.id, t.idempotency_key, r.environment_id, c.effect
        from (
            select distinct on (i.run_id, (i.task)."idempotencyKey")
                i.run_id, (i.task)."idempotencyKey" as idempotency_key, (i.task).effect
            from unnest(p_calls) as i
            where i.error_code is null
            order by i.run_id, (i.task)."idempotencyKey", i.ordinal
        ) as c
        inner join perdure.tasks as t on t.run_id = c.run_id and t.idempotency_key = c.idempotency_key
        inner join perdure.runs as r on r.id = t.run_id
        where t.id = any(p_task_ids)
        order by t.id
    loop
        begin
            perform perdure._begin_effect(v_task.environment_id, v_task.id, v_task.idempotency_key, v_task.effect);
        exception
            when
                data_exception or integrity_constraint_violation or program_limit_exceeded
                or sqlstate 'JQ001' or sqlstate 'JQ002' or sqlstate 'JQ004' or sqlstate 'JQ010'
            then
                perform perdure._refuse_effect(v_task.id, sqlstate, sqlerrm);
        end;
    end loop;
end;
$$;
comment on function perdure._begin_effects(perdure.task_call[], uuid[]) is 'Do what storing tasks brings about.';
