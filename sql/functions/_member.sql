-- _member: one member for _json_object. JSON null is a value, SQL null is none.
-- Arguments  p_name  a plain word: it is not escaped.
create or replace function perdure._member(p_name text, p_value json)
returns text
language sql stable parallel safe
return '"' || p_name || '":' || p_value::text;
comment on function perdure._member(text, json) is 'One member of a JSON object.';
