-- _subscribe_to_event: have the first event that matches sent to a URL, or to the address of a task, once. The same URL
-- again replaces what was wanted there, and waits anew.
-- Arguments  p_body  as of register_ephemeral_dispatcher, checked and shielded.
-- Returns    the subscription.
-- Locks      the subscription of this URL.
-- Called by  register_ephemeral_dispatcher, _effect_wait_for_event.
create or replace function perdure._subscribe_to_event(p_environment_id uuid, p_url text, p_body json)
returns perdure.event_dispatchers
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_dispatcher perdure.event_dispatchers;
begin
    insert into perdure.event_dispatchers as d (
        id, environment_id, url, source, event_names, payload_filter, context_filter, external_account_id, expires_at,
        enabled
    )
    values (
        perdure.new_id(), p_environment_id, p_url, coalesce(p_body ->> 'source', 'trigger.dev'),
        case json_typeof(p_body -> 'name')
            when 'array' then array(select distinct n.name from json_array_elements_text(p_body -> 'name') as n (name))
            else array[p_body ->> 'name']
        end,
        nullif((p_body -> 'filter')::jsonb, 'null'), nullif((p_body -> 'contextFilter')::jsonb, 'null'),
        perdure._upsert_external_account(p_environment_id, p_body ->> 'accountId'),
        perdure.clock() + make_interval(secs => coalesce((p_body ->> 'timeoutInSeconds')::double precision, 3600)),
        true
    )
    on conflict (environment_id, url) do update
    set
        source = excluded.source,
        event_names = excluded.event_names,
        payload_filter = excluded.payload_filter,
        context_filter = excluded.context_filter,
        external_account_id = excluded.external_account_id,
        expires_at = excluded.expires_at,
        enabled = true
    returning d.* into v_dispatcher;

    delete from perdure.event_dispatcher_names as n
    where
        n.event_dispatcher_id = v_dispatcher.id
        and (n.source <> v_dispatcher.source or n.event_name <> all(v_dispatcher.event_names));
    insert into perdure.event_dispatcher_names (environment_id, event_name, source, event_dispatcher_id)
    select v_dispatcher.environment_id, n.name, v_dispatcher.source, v_dispatcher.id
    from unnest(v_dispatcher.event_names) as n (name)
    on conflict do nothing;
    return v_dispatcher;
end;
$$;
comment on function perdure._subscribe_to_event(uuid, text, json) is 'Have the first event that matches sent to a URL.';
