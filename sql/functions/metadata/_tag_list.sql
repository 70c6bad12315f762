-- _tag_list: a JSON list of tags, checked, as an array without repetitions.
-- Returns    null for anything else and for an empty list.
create or replace function perdure._tag_list(p_tags json)
returns text[]
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
    if json_typeof(p_tags) is distinct from 'array' then
        return null;
    end if;
    return (select array_agg(distinct e.tag) from json_array_elements_text(p_tags) as e (tag));
end;
$$;
comment on function perdure._tag_list(json) is 'A JSON list of tags as an array.';
