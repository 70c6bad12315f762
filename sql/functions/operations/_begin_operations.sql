-- _begin_operations: have the requests sent that the platform performs for tasks. A task that asks for what cannot be
-- sent is ERRORED at once. What was still to be sent for a task that begins anew is not sent any more: _operation_of.
-- Arguments  p_task_ids  RUNNING, with an operation, just created or begun anew.
-- Called by  _store_tasks; people, for doctor's findings.
create or replace function perdure._begin_operations(p_task_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
begin
    update perdure.tasks as t
    set
        status = 'ERRORED', output = json_build_object('message', p.problem), completed_at = v_now, due_at = null,
        updated_at = v_now
    from perdure.tasks as x
    cross join lateral perdure._fetch_problem(x.params) as p (problem)
    where x.id = any(p_task_ids) and p.problem is not null and t.id = x.id and t.status = 'RUNNING';

    -- People see the URL here; it is sent as the task has it.
    insert into perdure.deliveries (id, environment_id, kind, subject_id, url, status, due_at, created_at)
    select
        perdure.new_id(), r.environment_id, 'FETCH', t.id,
        perdure._hide_redacted(perdure._shield(t.params) -> 'url') #>> '{}', 'PENDING', v_now, v_now
    from perdure.tasks as t
    inner join perdure.runs as r on r.id = t.run_id
    where t.id = any(p_task_ids) and t.status = 'RUNNING'
    order by t.id;
    if found then
        perform perdure._notify_dispatchers('deliveries');
    end if;
end;
$$;
comment on function perdure._begin_operations(uuid[]) is 'Have the requests sent that tasks ask for.';
