-- _begin_effect: do what storing one task brings about.
-- Arguments  p_key  the task's; the events' ids and the invocation's key are made of it, so that a task that begins
--            anew sends and starts nothing twice; p_effect  shielded.
-- Errors     JQ001, JQ002, JQ004, JQ010 as send_events and invoke_job; JQ010 also names a member of the effect.
-- Called by  _begin_effects.
create or replace function perdure._begin_effect(p_environment_id uuid, p_task_id uuid, p_key text, p_effect json)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_type constant text := case json_typeof(p_effect) when 'object' then p_effect ->> 'type' end;
begin
    if v_type = 'sendEvents' then
        perform perdure._effect_send_events(p_environment_id, p_task_id, p_key, p_effect);
    elsif v_type = 'invoke' then
        perform perdure._effect_invoke(p_environment_id, p_task_id, p_key, p_effect);
    elsif v_type = 'waitForEvent' then
        perform perdure._effect_wait_for_event(p_environment_id, p_task_id, p_effect);
    else
        raise exception using
            errcode = 'JQ010',
            message = format('effect.type must be sendEvents, invoke or waitForEvent, not %s', quote_nullable(v_type));
    end if;
end;
$$;
comment on function perdure._begin_effect(uuid, uuid, text, json) is 'Do what storing one task brings about.';
