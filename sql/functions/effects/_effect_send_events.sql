-- _effect_send_events: a task that sends events: it is COMPLETED with what was stored.
-- Arguments  p_effect  {events, options?} as of send_events; an event without an id gets one made of the task's key.
-- Errors     as send_events.
-- Locks      as send_events.
-- Called by  _begin_effect.
create or replace function perdure._effect_send_events(
    p_environment_id uuid, p_task_id uuid, p_key text, p_effect json
)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_events json := p_effect -> 'events';
    v_output json;
begin
    if json_typeof(v_events) = 'array' then
        select coalesce(json_agg(
            case
                when json_typeof(e.event) = 'object' then perdure._json_object(
                    perdure._member('id', to_json(coalesce(e.event ->> 'id', format('%s:%s', p_key, e.ordinal - 1)))),
                    perdure._member('name', e.event -> 'name'),
                    perdure._member('payload', e.event -> 'payload'),
                    perdure._member('payloadType', e.event -> 'payloadType'),
                    perdure._member('context', e.event -> 'context'),
                    perdure._member('source', e.event -> 'source'),
                    perdure._member('timestamp', e.event -> 'timestamp'),
                    perdure._member('isTest', e.event -> 'isTest')
                )
                else e.event
            end
            order by e.ordinal
        ), '[]') into v_events
        from json_array_elements(v_events) with ordinality as e (event, ordinal);
    end if;

    select coalesce(json_agg(s.event order by s.ordinal), '[]') into v_output
    from perdure.send_events(p_environment_id, v_events, coalesce(p_effect -> 'options', '{}'))
        with ordinality as s (event, ordinal);
    update perdure.tasks as t
    set status = 'COMPLETED', output = v_output, completed_at = v_now, updated_at = v_now
    where t.id = p_task_id;
end;
$$;
comment on function perdure._effect_send_events(uuid, uuid, text, json) is 'A task that sends events.';
