-- _json_number: a JSON number, exactly; null for everything else, and what is compared with null does not match.
-- Called by  _operator_matches; Postgres inlines it.
create or replace function perdure._json_number(p_value jsonb)
returns numeric
language sql immutable parallel safe
return case jsonb_typeof(p_value) when 'number' then p_value::numeric end;
comment on function perdure._json_number(jsonb) is 'A JSON number, or null.';
