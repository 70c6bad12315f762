-- _forget_event_waits: remove the subscriptions of tasks that wait for an event no more. One that a sender holds just
-- now is not waited for: it goes with what is sent to it, or when its time is over.
-- Arguments  p_task_ids  null or empty: nothing to do.
-- Locks      subscriptions, skip locked.
-- Called by  _take_events, _close_runs.
create or replace function perdure._forget_event_waits(p_task_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce(cardinality(p_task_ids), 0) = 0 then
        return;
    end if;
    delete from perdure.event_dispatchers as d
    where d.id in (
        select x.id
        from perdure.tasks as t
        inner join perdure.runs as r on r.id = t.run_id
        inner join perdure.event_dispatchers as x
            on x.environment_id = r.environment_id and x.url = perdure._task_address(t.id)
        where t.id = any(p_task_ids)
        order by x.id
        for update of x skip locked
    );
end;
$$;
comment on function perdure._forget_event_waits(uuid[]) is 'Remove the subscriptions of tasks that wait no more.';
