-- _first_metadata: what a new run's metadata are, of what was given for them, checked.
-- Returns    null: none.
create or replace function perdure._first_metadata(p_metadata json)
returns jsonb
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
    if json_typeof(p_metadata) is distinct from 'object' then
        return null;
    end if;
    return nullif(perdure._merged_metadata('{}', p_metadata::jsonb), '{}');
end;
$$;
comment on function perdure._first_metadata(json) is 'What a new run''s metadata are.';
