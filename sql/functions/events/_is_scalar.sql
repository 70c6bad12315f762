-- _is_scalar: may this value stand in a filter's list, or after an operator that takes one? JSON null may not.
-- Returns    null for SQL null.
-- Called by  event_matches, _operator_matches; Postgres inlines it.
create or replace function perdure._is_scalar(p_value jsonb)
returns boolean
language sql immutable parallel safe
return jsonb_typeof(p_value) in ('string', 'number', 'boolean');
comment on function perdure._is_scalar(jsonb) is 'Is it a string, a number or a boolean?';
