-- _fail_operation: a request of a task cannot be sent, or kills whoever sends it: the task ends with that.
-- Locks      the task's run, then the task.
-- Called by  _fail_delivery.
create or replace function perdure._fail_operation(p_delivery perdure.deliveries, p_message text)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_task constant perdure.tasks := perdure._lock_operation(p_delivery);
begin
    if v_task.id is not null then
        perform perdure._end_operation(
            v_task, 'ERRORED', json_build_object('message', format('Fetch failed: %s', p_message))
        );
    end if;
end;
$$;
comment on function perdure._fail_operation(perdure.deliveries, text) is 'A request of a task cannot be sent.';
