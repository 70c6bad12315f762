-- event_matches: does a document pass a filter? All keys of the filter must match (AND). A matcher is a list
-- of strings, numbers and booleans (the value must be one of them, of the same type; an empty list passes
-- everything), a list of operator objects (all must hold), or a nested filter (of a list in the document, one
-- element must pass). The first entry of a list tells which kind it is. Numbers are compared exactly, 1 is 1.0.
-- Operators: $endsWith $startsWith $ignoreCaseEquals $exists $isNull $anythingBut $gt $lt $gte $lte $between
-- $includes $not.
-- Arguments  p_filter    an object; null or {} passes everything;
--            p_document  SQL null means that there is no such value, JSON null that it is null.
-- Errors     an unknown operator or a malformed one does not match; 54001 (of Postgres) for a filter and a
--            document that are nested some hundred levels deep.
-- Called by  _passes_filters, request_matches; by people who want to try a filter. It runs for each event and
--            subscription: what can be an expression is no query, which takes several times as long.
create or replace function perdure.event_matches(p_filter jsonb, p_document jsonb)
returns boolean
language plpgsql immutable parallel safe security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_members jsonb;
    v_matcher jsonb;
    v_value jsonb;
    v_passes boolean;
begin
    if p_filter is null or p_filter = '{}' then
        return true;
    end if;
    if p_document is null or p_document = 'null' or jsonb_typeof(p_filter) <> 'object' then
        return false;
    end if;

    v_members := jsonb_path_query_array(p_filter, '$.keyvalue()');
    for i in 0..jsonb_array_length(v_members) - 1 loop
        v_matcher := v_members -> i -> 'value';
        v_value := case jsonb_typeof(p_document) when 'object' then p_document -> (v_members -> i ->> 'key') end;
        case jsonb_typeof(v_matcher)
            when 'array' then
                if jsonb_typeof(v_matcher -> 0) = 'object' then
                    for j in 0..jsonb_array_length(v_matcher) - 1 loop
                        if not perdure._operator_matches(v_matcher -> j, v_value) then
                            return false;
                        end if;
                    end loop;
                elsif v_matcher <> '[]' and (perdure._is_scalar(v_value) and v_matcher @> v_value) is not true then
                    return false;
                end if;
            when 'object' then
                if jsonb_typeof(v_value) = 'array' then
                    v_passes := false;
                    for j in 0..jsonb_array_length(v_value) - 1 loop
                        v_passes := perdure.event_matches(v_matcher, v_value -> j);
                        exit when v_passes;
                    end loop;
                else
                    v_passes := perdure.event_matches(v_matcher, v_value);
                end if;
                if not v_passes then
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
