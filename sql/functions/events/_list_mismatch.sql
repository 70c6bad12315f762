-- _list_mismatch: which header or query parameter fails a filter, looked at as _lists_match does.
-- Arguments  p_part  headers or query; the others as of _lists_match, which says that there is one.
-- Called by  _request_mismatch.
create or replace function perdure._list_mismatch(p_part text, p_filter jsonb, p_lists jsonb, p_lower_names boolean)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_member record;
    v_values jsonb;
    v_mismatch jsonb;
begin
    if p_lists is null or jsonb_typeof(p_filter) <> 'object' then
        return perdure._mismatch(array[p_part], 'malformed', p_filter, null);
    end if;
    for v_member in select f.key, f.value from jsonb_each(p_filter) as f loop
        if not perdure._lists_match(jsonb_build_object(v_member.key, v_member.value), p_lists, p_lower_names) then
            v_values := p_lists -> case when p_lower_names then lower(v_member.key collate "C") else v_member.key end;
            v_mismatch := perdure._filter_mismatch(
                jsonb_build_object('value', v_member.value),
                case when v_values is null then '{}' else jsonb_build_object('value', v_values -> 0) end
            );
            return perdure._mismatch(
                array[p_part, v_member.key], coalesce(v_mismatch ->> 'operator', 'malformed'),
                coalesce(v_mismatch -> 'wanted', v_member.value), v_values
            );
        end if;
    end loop;
    return null;
end;
$$;
comment on function perdure._list_mismatch(text, jsonb, jsonb, boolean) is 'Which header or parameter fails a filter.';
