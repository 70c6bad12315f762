-- _operation_of: the task that a FETCH delivery is sent for.
-- Returns    null: it has ended, with its run or by an answer; or it has begun anew, with a delivery of its own.
-- Called by  _fetch_request, _lock_operation.
create or replace function perdure._operation_of(p_delivery perdure.deliveries)
returns perdure.tasks
language sql stable
begin atomic
    select t
    from perdure.tasks as t
    where
        t.id = (p_delivery).subject_id and t.status = 'RUNNING'
        and not exists (
            select 1 from perdure.deliveries as d
            where d.subject_id = (p_delivery).subject_id and d.id > (p_delivery).id
        );
end;
comment on function perdure._operation_of(perdure.deliveries) is 'The task that a FETCH delivery is sent for.';
