-- _tick_payload: the payload of the event that is a tick of a schedule.
-- Arguments  p_at  when it was due; p_previous  the tick before; null: there was none.
-- Called by  _fire_due_schedules, fire_schedule.
create or replace function perdure._tick_payload(p_at timestamptz, p_previous timestamptz)
returns json
language sql stable
return perdure._json_object(
    perdure._member('ts', to_json(perdure._iso(p_at))),
    perdure._member('lastTimestamp', to_json(perdure._iso(p_previous)))
);
comment on function perdure._tick_payload(timestamptz, timestamptz) is 'The payload of a tick of a schedule.';
