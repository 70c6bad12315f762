-- _reveal: a text as it is to be sent: a redacted one, {__redactedString: true, strings, interpolations}, put together.
-- Returns    null for what is neither.
-- Called by  _fetch_problem, _fetch_request.
create or replace function perdure._reveal(p_value json)
returns text
language sql stable
return case
    when json_typeof(p_value) in ('string', 'number', 'boolean') then p_value #>> '{}'
    when
        p_value ->> '__redactedString' = 'true' and json_typeof(p_value -> 'strings') = 'array'
        and json_typeof(p_value -> 'interpolations') = 'array'
    then (
        select string_agg(s.text || coalesce(i.text, ''), '' order by s.ordinal)
        from json_array_elements_text(p_value -> 'strings') with ordinality as s (text, ordinal)
        left join json_array_elements_text(p_value -> 'interpolations') with ordinality as i (text, ordinal)
            on i.ordinal = s.ordinal
    )
end;
comment on function perdure._reveal(json) is 'A text as it is to be sent.';
