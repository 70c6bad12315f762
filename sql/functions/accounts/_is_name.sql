-- _is_name: whether a text can be the name of a person: 1 to 100 characters, on one line.
create or replace function perdure._is_name(p_name text)
returns boolean
language sql immutable set search_path = pg_catalog, pg_temp
return coalesce(p_name ~ '[^[:space:]]' and length(p_name) <= 100 and p_name !~ '[[:cntrl:]]', false);
comment on function perdure._is_name(text) is 'Whether a text can be the name of a person.';
