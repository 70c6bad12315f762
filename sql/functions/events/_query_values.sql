-- _query_values: the parameters of a URL.
-- Returns    {name: [value, ...]}, {} when it has none; null when one of them cannot be decoded.
-- Called by  request_matches.
create or replace function perdure._query_values(p_url text)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_query constant text := substring(split_part(p_url, '#', 1) from '\?(.*)$');
begin
    return (
        with parameters as (
            select
                perdure._form_decode(split_part(p.pair, '=', 1)) as name,
                perdure._form_decode(substr(p.pair, length(split_part(p.pair, '=', 1)) + 2)) as value
            from regexp_split_to_table(v_query, '&') as p (pair)
            where p.pair <> ''
        )

        select case
            when bool_or(n.name is null or n.found @> 'null') then null
            else coalesce(jsonb_object_agg(n.name, n.found) filter (where n.name is not null), '{}')
        end
        from (select p.name, jsonb_agg(p.value) as found from parameters as p group by p.name) as n
    );
end;
$$;
comment on function perdure._query_values(text) is 'The decoded parameters of a URL.';
