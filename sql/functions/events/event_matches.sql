-- event_matches: does a document pass a filter? All keys of the filter must match (AND). A matcher is a list
-- of scalars (the value must be one of them, of the same type; an empty list passes everything), a list of
-- operator objects (all must hold), or a nested filter (of a list in the document, one element must pass).
-- Operators: $endsWith $startsWith $ignoreCaseEquals $exists $isNull $anythingBut $gt $lt $gte $lte $between
-- $includes $not.
-- Arguments  p_filter    an object; null or {} passes everything;
--            p_document  SQL null means that there is no such value, JSON null that it is null.
-- Errors     none: an unknown operator or a malformed one does not match.
-- Called by  _deliver_events; by people who want to try a filter.
create or replace function perdure.event_matches(p_filter jsonb, p_document jsonb)
returns boolean
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    v_key text;
    v_matcher jsonb;
    v_value jsonb;
    v_item jsonb;
begin
    if p_filter is null or p_filter = '{}' then
        return true;
    end if;
    if p_document is null or p_document = 'null' or jsonb_typeof(p_filter) <> 'object' then
        return false;
    end if;

    for v_key, v_matcher in select f.key, f.value from jsonb_each(p_filter) as f loop
        v_value := case jsonb_typeof(p_document) when 'object' then p_document -> v_key end;
        case jsonb_typeof(v_matcher)
            when 'array' then
                if v_matcher = '[]' then
                    continue;
                end if;
                if jsonb_typeof(v_matcher -> 0) = 'object' then
                    for v_item in select m.value from jsonb_array_elements(v_matcher) as m loop
                        if not perdure._operator_matches(v_item, v_value) then
                            return false;
                        end if;
                    end loop;
                elsif v_value is null or not exists (
                    -- jsonb equality is strict about types: "1" is not 1
                    select 1 from jsonb_array_elements(v_matcher) as m where m.value = v_value
                ) then
                    return false;
                end if;
            when 'object' then
                if jsonb_typeof(v_value) = 'array' then
                    if not exists (
                        select 1 from jsonb_array_elements(v_value) as element
                        where perdure.event_matches(v_matcher, element.value)
                    ) then
                        return false;
                    end if;
                elsif not perdure.event_matches(v_matcher, v_value) then
                    return false;
                end if;
            else
                return false;
        end case;
    end loop;
    return true;
end;
$$;
comment on function perdure.event_matches(jsonb, jsonb) is 'Does a document pass an event filter?';
