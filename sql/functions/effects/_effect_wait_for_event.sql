-- _effect_wait_for_event: a task that waits for an event: one that was stored since its run was created and ended no
-- other wait of the run ends it at once, the oldest first; else the first that comes.
-- Arguments  p_effect  {name: text or list, source?, filter?, contextFilter?, accountId?, timeoutInSeconds?: 3600}, as
--            of register_ephemeral_dispatcher.
-- Errors     JQ010 invalid_argument: names the member.
-- Locks      the task; its run is locked by the caller.
-- Called by  _begin_effect.
create or replace function perdure._effect_wait_for_event(p_environment_id uuid, p_task_id uuid, p_effect json)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_problem constant text := perdure._ephemeral_dispatcher_problem(p_effect);
    v_dispatcher perdure.event_dispatchers;
begin
    if v_problem is not null then
        raise exception using errcode = 'JQ010', message = v_problem;
    end if;
    v_dispatcher := perdure._subscribe_to_event(p_environment_id, perdure._task_address(p_task_id), p_effect);
    update perdure.tasks as t
    set
        status = 'WAITING',
        due_at = v_dispatcher.expires_at,
        callback_timeout_at = v_dispatcher.expires_at,
        updated_at = perdure.clock()
    where t.id = p_task_id;
    if cardinality(perdure._take_events(array[p_task_id])) = 0 then
        perform perdure._look_up_later(array[p_task_id]);
    end if;
end;
$$;
comment on function perdure._effect_wait_for_event(uuid, uuid, json) is 'A task that waits for an event.';
