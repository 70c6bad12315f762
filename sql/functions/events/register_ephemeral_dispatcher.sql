-- register_ephemeral_dispatcher: have the first event that matches sent to a URL, once; so runs wait for events. The
-- same URL again replaces what was wanted there, and waits anew.
-- Arguments  p_body  {url, name: text or list, source?: trigger.dev, filter?, contextFilter?: EventFilter, accountId?:
--            only events about this end user, timeoutInSeconds?: 3600}.
-- Returns    {id}.
-- Errors     JQ001 not_found: no such environment; JQ010 invalid_argument: names the member.
-- Locks      the subscription of this URL.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.register_ephemeral_dispatcher(p_environment_id uuid, p_body json)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_body constant json := perdure._shield(p_body);
    v_problem constant text := perdure._ephemeral_dispatcher_problem(v_body);
    v_dispatcher perdure.event_dispatchers;
begin
    if v_problem is not null then
        raise exception using errcode = 'JQ010', message = v_problem;
    end if;
    perform perdure._check_url('p_body.url', v_body ->> 'url');
    if not exists (select 1 from perdure.environments as e where e.id = p_environment_id) then
        raise exception using
            errcode = 'JQ001', message = format('there is no environment %s', coalesce(p_environment_id::text, 'null'));
    end if;

    insert into perdure.event_dispatchers as d (
        id, environment_id, url, source, event_names, payload_filter, context_filter, external_account_id, expires_at,
        enabled
    )
    values (
        perdure.new_id(), p_environment_id, v_body ->> 'url', coalesce(v_body ->> 'source', 'trigger.dev'),
        case json_typeof(v_body -> 'name')
            when 'array' then array(select distinct n.name from json_array_elements_text(v_body -> 'name') as n (name))
            else array[v_body ->> 'name']
        end,
        nullif((v_body -> 'filter')::jsonb, 'null'), nullif((v_body -> 'contextFilter')::jsonb, 'null'),
        perdure._upsert_external_account(p_environment_id, v_body ->> 'accountId'),
        perdure.clock() + make_interval(secs => coalesce((v_body ->> 'timeoutInSeconds')::double precision, 3600)),
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
    return json_build_object('id', v_dispatcher.id);
exception
    when data_exception or program_limit_exceeded then  -- what json may hold and jsonb cannot, such as 1e1000000
        raise exception using errcode = 'JQ010', message = format('p_body cannot be stored: %s', sqlerrm);
end;
$$;
comment on function perdure.register_ephemeral_dispatcher(uuid, json)
is 'Have the first event that matches sent to a URL.';
