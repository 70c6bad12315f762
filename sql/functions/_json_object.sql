-- _json_object: a JSON object of members made by _member, without those that are SQL null. The wire wants
-- optional fields left out, and json_strip_nulls would also reach into the user's own documents.
create or replace function perdure._json_object(variadic p_members text[])
returns json
language sql stable parallel safe
return ('{' || array_to_string(p_members, ',') || '}')::json;
comment on function perdure._json_object(text[]) is 'A JSON object of the members that are not SQL null.';
