-- _look_up_later: have stored events looked through again for waits: some are being sent just now by transactions that
-- do not see these waits, and are not seen.
-- Arguments  p_task_ids  WAITING for an event; null or empty: nothing to do.
-- Called by  _effect_wait_for_event, _give_events, _send_to_dispatchers.
create or replace function perdure._look_up_later(p_task_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    insert into perdure.event_look_ups (id, task_id, run_id, due_at, created_at)
    select perdure.new_id(), t.id, t.run_id, perdure.clock(), perdure.clock()
    from perdure.tasks as t
    where t.id = any(p_task_ids) and t.status = 'WAITING';
    if found then
        perform perdure._notify_dispatchers('due');
    end if;
end;
$$;
comment on function perdure._look_up_later(uuid[]) is 'Have stored events looked through again for waits.';
