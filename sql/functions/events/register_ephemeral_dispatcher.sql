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

    v_dispatcher := perdure._subscribe_to_event(p_environment_id, v_body ->> 'url', v_body);
    return json_build_object('id', v_dispatcher.id);
exception
    when data_exception or program_limit_exceeded then  -- what json may hold and jsonb cannot, such as 1e1000000
        raise exception using errcode = 'JQ010', message = format('p_body cannot be stored: %s', sqlerrm);
end;
$$;
comment on function perdure.register_ephemeral_dispatcher(uuid, json)
is 'Have the first event that matches sent to a URL.';
