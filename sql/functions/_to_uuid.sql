-- _to_uuid: an id as it came from outside; null when it is none, so that it finds nothing instead of raising.
create or replace function perdure._to_uuid(p_text text)
returns uuid
language sql immutable parallel safe
return case when p_text ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then p_text::uuid end;
comment on function perdure._to_uuid(text) is 'An id that came from outside, or null.';
