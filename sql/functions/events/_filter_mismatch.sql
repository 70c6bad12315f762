-- _filter_mismatch: where a document fails an event filter: at the first of what event_matches looks at. Walks as that
-- does, and a test holds the two together; kept apart, because that one runs for every event.
-- Arguments  as of event_matches; p_path  where in the whole document this one is.
-- Returns    {path: [text], operator, wanted, found}: operator 'in' for a list of values, 'object' for a nested filter
--            on what has no members, 'some element' for one that no element of a list passes, 'malformed' for what no
--            filter may have; found is absent when there is no such value. Null: it passes.
-- Called by  _request_mismatch, _event_mismatch.
create or replace function perdure._filter_mismatch(p_filter jsonb, p_document jsonb, p_path text[] default '{}')
returns jsonb
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    v_operators constant text[] := array[
        '$endsWith', '$startsWith', '$ignoreCaseEquals', '$exists', '$isNull', '$anythingBut', '$gt', '$lt', '$gte',
        '$lte', '$between', '$includes', '$not'
    ];  -- in the order of _operator_matches
    v_member record;
    v_operator jsonb;
    v_value jsonb;
    v_path text[];
    v_mismatch jsonb;
begin
    if p_filter is null or p_filter = '{}' then
        return null;
    end if;
    if jsonb_typeof(p_filter) <> 'object' then
        return perdure._mismatch(p_path, 'malformed', p_filter, p_document);
    elsif p_document is null or p_document = 'null' then
        return perdure._mismatch(p_path, 'object', p_filter, p_document);
    end if;

    for v_member in select m.key, m.value from jsonb_each(p_filter) as m loop
        v_path := p_path || v_member.key;
        v_value := case jsonb_typeof(p_document) when 'object' then p_document -> v_member.key end;
        case jsonb_typeof(v_member.value)
            when 'array' then
                if jsonb_typeof(v_member.value -> 0) = 'object' then
                    for v_operator in select o.value from jsonb_array_elements(v_member.value) as o loop
                        if not perdure._operator_matches(v_operator, v_value) then
                            return coalesce(
                                (
                                    select perdure._mismatch(v_path, o.name, v_operator -> o.name, v_value)
                                    from unnest(v_operators) with ordinality as o (name, ordinal)
                                    where jsonb_typeof(v_operator) = 'object' and v_operator ? o.name
                                    order by o.ordinal
                                    limit 1
                                ),
                                perdure._mismatch(v_path, 'malformed', v_operator, v_value)
                            );
                        end if;
                    end loop;
                elsif
                    v_member.value <> '[]'
                    and (perdure._is_scalar(v_value) and v_member.value @> v_value) is not true
                then
                    return perdure._mismatch(v_path, 'in', v_member.value, v_value);
                end if;
            when 'object' then
                if jsonb_typeof(v_value) <> 'array' or v_value is null then
                    v_mismatch := perdure._filter_mismatch(v_member.value, v_value, v_path);
                elsif jsonb_array_length(v_value) = 1 then
                    v_mismatch := perdure._filter_mismatch(v_member.value, v_value -> 0, v_path || '0'::text);
                elsif not exists (
                    select from jsonb_array_elements(v_value) as e
                    where perdure.event_matches(v_member.value, e.value)
                ) then
                    v_mismatch := perdure._mismatch(v_path, 'some element', v_member.value, v_value);
                end if;
                if v_mismatch is not null then
                    return v_mismatch;
                end if;
            else
                return perdure._mismatch(v_path, 'malformed', v_member.value, v_value);
        end case;
    end loop;
    return null;
end;
$$;
comment on function perdure._filter_mismatch(jsonb, jsonb, text[]) is 'Where a document fails an event filter.';
