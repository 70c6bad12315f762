-- _header_values: the headers of a request.
-- Arguments  p_headers  {name: value}; anything but an object has none.
-- Returns    {name: [value, ...]}, the names in small letters.
-- Called by  request_matches.
create or replace function perdure._header_values(p_headers jsonb)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(jsonb_object_agg(n.name, n.found), '{}')
        from (
            select lower(h.key collate "C") as name, jsonb_agg(h.value) as found
            from jsonb_each(case jsonb_typeof(p_headers) when 'object' then p_headers else '{}' end) as h
            group by 1
        ) as n
    );
end;
$$;
comment on function perdure._header_values(jsonb) is 'The headers of a request by their names in small letters.';
