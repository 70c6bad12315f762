-- _tags_problem: what is wrong with a list of tags.
-- Arguments  p_name  the member's, for the text; p_tags  shielded; null or JSON null: none given.
-- Returns    null: nothing.
create or replace function perdure._tags_problem(p_name text, p_tags json)
returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce(json_typeof(p_tags), 'null') = 'null' then
        return null;
    elsif json_typeof(p_tags) <> 'array' then
        return format('%s must be a list of texts, such as ["vip"]', p_name);
    elsif json_array_length(p_tags) > 50 then
        return format('%s must be at most 50 tags, not %s', p_name, json_array_length(p_tags));
    end if;
    return (
        select format('%s[%s] must be a text of 1 to 200 characters without \u0000', p_name, e.ordinal - 1)
        from json_array_elements(p_tags) with ordinality as e (tag, ordinal)
        where
            json_typeof(e.tag) <> 'string' or char_length(e.tag #>> '{}') not between 1 and 200
            or position(chr(64976) in e.tag #>> '{}') > 0
        order by e.ordinal
        limit 1
    );
end;
$$;
comment on function perdure._tags_problem(text, json) is 'What is wrong with a list of tags.';
