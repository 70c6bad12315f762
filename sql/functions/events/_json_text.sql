-- _json_text: the text of a JSON string; null for everything else, and what is compared with null does not match.
-- Called by  _operator_matches, request_matches; Postgres inlines it.
create or replace function perdure._json_text(p_value jsonb)
returns text
language sql immutable parallel safe
return case jsonb_typeof(p_value) when 'string' then p_value #>> '{}' end;
comment on function perdure._json_text(jsonb) is 'The text of a JSON string, or null.';
