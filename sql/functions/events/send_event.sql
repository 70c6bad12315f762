-- send_event: send_events for one event, pleasant from psql and triggers.
-- Arguments  p_event_id  makes sending idempotent; null: a new id.
-- Returns    the event as stored (ApiEventLog).
-- Errors     as send_events.
create or replace function perdure.send_event(
    p_environment_id uuid, p_name text, p_payload json default '{}', p_event_id text default null
)
returns json
language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
    select perdure.send_events(
        p_environment_id,
        json_build_array(
            perdure._json_object(
                perdure._member('name', to_json(p_name)),
                perdure._member('payload', p_payload),
                perdure._member('id', to_json(p_event_id))
            )
        )
    );
$$;
comment on function perdure.send_event(uuid, text, json, text) is 'Store one event and start the runs it causes.';
