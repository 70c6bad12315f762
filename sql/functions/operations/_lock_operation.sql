-- _lock_operation: the task that a FETCH delivery is sent for, to be changed.
-- Returns    as _operation_of.
-- Locks      the task's run, then the task.
-- Called by  _apply_fetch, _fail_operation.
create or replace function perdure._lock_operation(p_delivery perdure.deliveries)
returns perdure.tasks
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    perform perdure._lock_runs_of(array[p_delivery.subject_id]);
    perform 1 from perdure.tasks as t where t.id = p_delivery.subject_id for update;
    return perdure._operation_of(p_delivery);
end;
$$;
comment on function perdure._lock_operation(perdure.deliveries) is 'The task of a FETCH delivery, to be changed.';
