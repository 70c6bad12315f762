-- _apply_source_request: SOURCE_REQUEST: the handler of a source has made events of what a provider sent: send them,
-- and keep what it wants to remember. They are about the end user of the source.
-- Called by  _apply_delivery.
create or replace function perdure._apply_source_request(p_delivery perdure.deliveries, p_result json)
returns perdure.delivery_effect
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_reply constant json := perdure._answer_document(p_result);
    v_problem text;
    v_response json;
    v_source perdure.sources;
    v_events json;
    v_event_ids text[];
begin
    v_problem := perdure._endpoint_answer_problem(p_result, v_reply);
    if v_problem is not null then
        return row(v_problem, null, v_response)::perdure.delivery_effect;
    end if;
    update perdure.sources as s
    set metadata = coalesce(perdure._unshield(v_reply -> 'metadata'), s.metadata)
    where s.id = p_delivery.subject_id
    returning * into v_source;

    v_events := coalesce(v_reply -> 'events', '[]');
    if v_source.dynamic_trigger_id is not null then
        v_events := perdure._stamp_events(v_events, v_source);
    end if;
    v_event_ids := array(
        select perdure._shield(e.event) ->> 'id'
        from perdure.send_events(p_delivery.environment_id, v_events, perdure._json_object(
            perdure._member('accountId', (
                select to_json(x.identifier)
                from perdure.external_accounts as x
                where x.id = v_source.external_account_id
            ))
        )) as e (event)
    );
    insert into perdure.delivery_events (delivery_id, event_id)
    select p_delivery.id, e.id
    from perdure.events as e
    where e.environment_id = p_delivery.environment_id and e.event_id = any(v_event_ids);
    v_response := perdure._unshield(v_reply -> 'response');
    return row(v_problem, null, v_response)::perdure.delivery_effect;
end;
$$;
comment on function perdure._apply_source_request(perdure.deliveries, json) is 'Send the events that a handler made.';
