-- _to_uuid: an id as it came from outside; null when it is none, so that it finds nothing instead of raising. One
-- regular expression that says it all takes four times as long.
create or replace function perdure._to_uuid(p_text text)
returns uuid
language sql immutable parallel safe
return case
    when
        p_text like '________-____-____-____-____________' and length(replace(p_text, '-', '')) = 32
        and p_text ~ '^[0-9a-fA-F-]+$'
    then p_text::uuid
end;
comment on function perdure._to_uuid(text) is 'An id that came from outside, or null.';
