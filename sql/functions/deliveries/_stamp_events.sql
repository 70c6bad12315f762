-- _stamp_events: events of a dynamic trigger's source with what tells where they are from: the registration, which the
-- run gets as its source, and the source's key, which keeps them from the subscriptions of the trigger's other sources.
-- Arguments  p_events  what a handler answered, shielded; what is no event stays as it is, to be refused.
-- Called by  _apply_source_request.
create or replace function perdure._stamp_events(p_events json, p_source perdure.sources)
returns json
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_context json;
begin
    if json_typeof(p_events) <> 'array' then
        return p_events;
    end if;
    select perdure._json_object(
        perdure._member('id', to_json(r.key)), perdure._member('metadata', perdure._shield(r.metadata))
    )
    into v_context
    from perdure.dynamic_trigger_registrations as r
    where r.source_id = p_source.id;

    return (
        select json_agg(case json_typeof(e.value)
            when 'object' then (
                select json_object_agg(m.key, m.value)
                from (
                    select o.key, o.value
                    from json_each(e.value) as o
                    where o.key not in ('sourceContext', 'dynamicSourceKey')
                    union all
                    select 'sourceContext', v_context where v_context is not null
                    union all
                    select 'dynamicSourceKey', to_json(p_source.key)
                ) as m
            )
            else e.value
        end order by e.ordinality)
        from json_array_elements(p_events) with ordinality as e
    );
end;
$$;
comment on function perdure._stamp_events(json, perdure.sources) is 'Events with what tells where they are from.';
