-- _tell_missing_connections: tell the app that runs wait for connections, or that these are there now: an event each,
-- which its own jobs may listen to. The events are not about the end user, or such a job would itself need his account.
-- Arguments  p_ids  missing_connections.id; null or empty: nothing to do. One that is resolved has its connection.
-- Called by  _await_connections, create_connection.
create or replace function perdure._tell_missing_connections(p_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_environment_id uuid;
    v_events json;
begin
    for v_environment_id, v_events in
        select
            m.environment_id,
            json_agg(json_build_object(
                'name', 'dev.trigger.notifications.missingConnection'
                || case when m.resolved_at is null then '' else 'Resolved' end,
                'payload', perdure._missing_connection_json(m)
            ) order by m.id)
        from perdure.missing_connections as m
        where m.id = any(p_ids)
        group by m.environment_id
    loop
        perform 1 from perdure.send_events(v_environment_id, v_events);
    end loop;
end;
$$;
comment on function perdure._tell_missing_connections(uuid[]) is 'Tell the app what runs wait for.';
