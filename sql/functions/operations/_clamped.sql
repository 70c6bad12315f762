-- _clamped: a number in a task's params as a whole one within limits; the default for what is none.
-- Called by  _apply_poll, _fetch_timeout_ms, _next_fetch_at.
create or replace function perdure._clamped(p_value json, p_default integer, p_least integer, p_most integer)
returns integer
language sql immutable parallel safe
return round(
    least(greatest(coalesce(perdure._json_number(perdure._to_jsonb(p_value)), p_default), p_least), p_most)
)::integer;
comment on function perdure._clamped(json, integer, integer, integer) is 'A number in params within limits.';
