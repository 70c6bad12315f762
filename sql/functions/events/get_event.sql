-- get_event: an event and the runs it started.
-- Returns    {id, name, createdAt, updatedAt, runs: [{id, status, startedAt, completedAt}]}.
-- Errors     JQ001 not_found.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.get_event(p_environment_id uuid, p_event_id text)
returns json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_event constant perdure.events := perdure._find_event(p_environment_id, p_event_id);
begin
    return json_build_object(
        'id', v_event.event_id,
        'name', v_event.name,
        'createdAt', perdure._iso(v_event.created_at),
        'updatedAt', perdure._iso(v_event.updated_at),
        'runs', (
            select coalesce(json_agg(json_build_object(
                'id', r.id,
                'status', r.status,
                'startedAt', perdure._iso(r.started_at),
                'completedAt', perdure._iso(r.completed_at)
            ) order by r.id), '[]')
            from perdure.runs as r
            where r.event_id = v_event.id
        )
    );
end;
$$;
comment on function perdure.get_event(uuid, text) is 'An event and the runs it started.';
