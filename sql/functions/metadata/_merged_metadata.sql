-- _merged_metadata: metadata after a change: its members replace those of the same name, null removes one.
create or replace function perdure._merged_metadata(p_metadata jsonb, p_change jsonb)
returns jsonb
language sql immutable parallel safe
begin atomic
    select coalesce(jsonb_object_agg(m.key, m.value), '{}')
    from jsonb_each(p_metadata || p_change) as m
    where m.value <> 'null';
end;
comment on function perdure._merged_metadata(jsonb, jsonb) is 'Metadata after a change.';
