-- _mismatch: a place at which a document fails a filter, as _filter_mismatch describes it.
create or replace function perdure._mismatch(p_path text[], p_operator text, p_wanted jsonb, p_found jsonb)
returns jsonb
language sql immutable parallel safe
return jsonb_build_object('path', p_path, 'operator', p_operator, 'wanted', p_wanted)
|| case when p_found is null then '{}' else jsonb_build_object('found', p_found) end;
comment on function perdure._mismatch(text[], text, jsonb, jsonb) is 'A place at which a document fails a filter.';
