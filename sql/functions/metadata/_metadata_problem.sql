-- _metadata_problem: what is wrong with the metadata of a run, or with a change of them.
-- Arguments  p_metadata  shielded; null or JSON null: none given.
-- Returns    null: nothing.
create or replace function perdure._metadata_problem(p_metadata json)
returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when coalesce(json_typeof(p_metadata), 'null') = 'null' then null
        when json_typeof(p_metadata) <> 'object' then 'metadata must be an object, such as {"customer": "c-1"}'
        when position(chr(64976) in p_metadata::text) > 0
            then 'metadata must not contain \u0000, or half of a surrogate pair'
        when perdure._to_jsonb(p_metadata) is null then 'metadata have a number that is too large, or a key'
        when octet_length(perdure._to_jsonb(p_metadata)::text) > 65536 then 'metadata must be at most 64 KiB of JSON'
    end;
end;
$$;
comment on function perdure._metadata_problem(json) is 'What is wrong with the metadata of a run.';
