-- _lists_match: do names that may each have several values, as headers and query parameters do, pass a filter? All
-- names of the filter must match (AND); of several values one must pass all of its matcher.
-- Arguments  p_filter       {name: strings or string operators};
--            p_lists        {name: [value, ...]}, a missing name has no value; SQL null passes no filter;
--            p_lower_names  true: the names in p_lists are in small letters, those of the filter in any.
-- Called by  request_matches.
create or replace function perdure._lists_match(p_filter jsonb, p_lists jsonb, p_lower_names boolean)
returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if p_lists is null or jsonb_typeof(p_filter) <> 'object' then
        return false;
    end if;
    return not exists (
        select from jsonb_each(p_filter) as f
        cross join lateral (
            select p_lists -> case when p_lower_names then lower(f.key collate "C") else f.key end as list
        ) as given
        where not case
            when given.list is null then perdure.event_matches(jsonb_build_object('value', f.value), '{}')
            else exists (
                select from jsonb_array_elements(given.list) as v
                where perdure.event_matches(jsonb_build_object('value', f.value), jsonb_build_object('value', v.value))
            )
        end
    );
end;
$$;
comment on function perdure._lists_match(jsonb, jsonb, boolean) is 'Do headers or query parameters pass a filter?';
