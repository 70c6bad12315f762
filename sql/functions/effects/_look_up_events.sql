-- _look_up_events: look through stored events once more for waits that may have missed one: it was sent by a
-- transaction that had not finished when the wait was stored, and did not see the wait. Again and again, ever more
-- seldom, until all such transactions have finished: all that had an id when the wait was first seen here, committed.
-- Nobody waits for them, however long they take.
-- Arguments  p_limit  most waits to look at.
-- Returns    runs that go on now; they are queued.
-- Locks      waits, skip locked; their runs in id order, skip locked; then tasks.
-- Called by  promote_due.
create or replace function perdure._look_up_events(p_limit integer)
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_ids uuid[];
    v_snapshot pg_snapshot;
    v_oldest xid8;
    v_run_ids uuid[];
    v_ended_ids uuid[];
begin
    v_ids := array(
        select w.id
        from perdure.event_look_ups as w
        where w.due_at <= v_now
        order by w.due_at, w.id
        limit p_limit
        for update skip locked
    );
    if v_ids = '{}' then
        return '{}'::uuid[];
    end if;

    -- After the waits were seen and before events are looked for: what has finished by now is found below.
    v_snapshot := pg_current_snapshot();
    select x.id into v_oldest from pg_snapshot_xip(v_snapshot) as x (id) order by x.id limit 1;
    v_run_ids := array(
        select r.id
        from perdure.runs as r
        where r.id in (select w.run_id from perdure.event_look_ups as w where w.id = any(v_ids))
        order by r.id
        for update skip locked
    );
    v_ended_ids := perdure._take_events(array(
        select w.task_id from perdure.event_look_ups as w where w.id = any(v_ids) and w.run_id = any(v_run_ids)
    ));
    delete from perdure.event_look_ups as w
    where
        w.id = any(v_ids)
        and (
            (w.run_id = any(v_run_ids) and coalesce(v_oldest >= coalesce(w.horizon, pg_snapshot_xmax(v_snapshot)), true))
            or not exists (select 1 from perdure.tasks as t where t.id = w.task_id and t.status = 'WAITING')
        );
    update perdure.event_look_ups as w
    set
        horizon = coalesce(w.horizon, pg_snapshot_xmax(v_snapshot)),
        due_at = v_now + greatest(interval '50 milliseconds', least(interval '30 seconds', (v_now - w.created_at) / 4))
    where w.id = any(v_ids);
    return perdure._wake_runs(v_ended_ids);
end;
$$;
comment on function perdure._look_up_events(integer) is 'Look through stored events once more for waits.';
