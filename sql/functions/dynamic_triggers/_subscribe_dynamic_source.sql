-- _subscribe_dynamic_source: let the events of a dynamic trigger's source that pass a rule start the trigger's jobs.
-- Arguments  p_source  has dynamic_trigger_id; p_rule  {event, source, payload?, context?}, checked.
-- Returns    event_dispatchers.id.
-- Called by  register_dynamic_trigger.
create or replace function perdure._subscribe_dynamic_source(p_source perdure.sources, p_rule jsonb)
returns uuid
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_dispatcher perdure.event_dispatchers;
begin
    insert into perdure.event_dispatchers as d (
        id, environment_id, dynamic_trigger_id, dynamic_source_key, source, event_names, payload_filter, context_filter,
        enabled
    )
    values (
        perdure.new_id(), p_source.environment_id, p_source.dynamic_trigger_id, p_source.key, p_rule ->> 'source',
        case jsonb_typeof(p_rule -> 'event')
            when 'array' then array(select jsonb_array_elements_text(p_rule -> 'event'))
            else array[p_rule ->> 'event']
        end,
        nullif(p_rule -> 'payload', 'null'), nullif(p_rule -> 'context', 'null'), true
    )
    on conflict (environment_id, dynamic_source_key) do update
    set
        source = excluded.source,
        event_names = excluded.event_names,
        payload_filter = excluded.payload_filter,
        context_filter = excluded.context_filter
    returning * into v_dispatcher;

    delete from perdure.event_dispatcher_names as n
    where
        n.event_dispatcher_id = v_dispatcher.id
        and (n.source <> v_dispatcher.source or n.event_name <> all(v_dispatcher.event_names));
    insert into perdure.event_dispatcher_names (environment_id, event_name, source, event_dispatcher_id)
    select v_dispatcher.environment_id, n.name, v_dispatcher.source, v_dispatcher.id
    from unnest(v_dispatcher.event_names) as n (name)
    on conflict do nothing;
    return v_dispatcher.id;
end;
$$;
comment on function perdure._subscribe_dynamic_source(perdure.sources, jsonb)
is 'Let a source''s events start a dynamic trigger''s jobs.';
