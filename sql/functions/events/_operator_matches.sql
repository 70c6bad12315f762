-- _operator_matches: does a value satisfy one operator object of a filter, such as {"$gte": 5}?
-- Arguments  p_operator  its first recognised operator counts; a malformed argument, such as {"$gt": "much"},
--            does not match;
--            p_value     SQL null: there is no such value.
-- Called by  event_matches.
create or replace function perdure._operator_matches(p_operator jsonb, p_value jsonb)
returns boolean
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    v_type constant text := jsonb_typeof(p_value);  -- null: no value
    v_name text;
    v_argument jsonb;
    v_text constant text := case v_type when 'string' then p_value #>> '{}' end;
    v_number constant numeric := case v_type when 'number' then p_value::numeric end;
    v_argument_text text;  -- null unless the argument is a string, as the next one unless it is a number:
    v_argument_number numeric;  -- what is compared with null does not match
begin
    if jsonb_typeof(p_operator) <> 'object' then
        return false;
    end if;
    select o.key, o.value into v_name, v_argument
    from jsonb_each(p_operator) as o
    inner join unnest(array[
        '$endsWith', '$startsWith', '$ignoreCaseEquals', '$exists', '$isNull', '$anythingBut',
        '$gt', '$lt', '$gte', '$lte', '$between', '$includes', '$not'
    ]) with ordinality as known (name, ordinal) on known.name = o.key
    order by known.ordinal
    limit 1;
    v_argument_text := case jsonb_typeof(v_argument) when 'string' then v_argument #>> '{}' end;
    v_argument_number := case jsonb_typeof(v_argument) when 'number' then v_argument::numeric end;

    return coalesce(case v_name
        when '$endsWith' then right(v_text, length(v_argument_text)) = v_argument_text
        when '$startsWith' then starts_with(v_text, v_argument_text)
        when '$ignoreCaseEquals' then lower(v_text) = lower(v_argument_text)
        when '$exists' then case v_argument when 'true' then p_value is not null when 'false' then p_value is null end
        when '$isNull' then case v_argument
            when 'true' then v_type = 'null'
            when 'false' then v_type is distinct from 'null'
        end
        when '$anythingBut' then case jsonb_typeof(v_argument)
            when 'array' then p_value is null or not exists (
                select 1 from jsonb_array_elements(v_argument) as a where a.value = p_value
            )
            else p_value is distinct from v_argument
        end
        when '$gt' then v_number > v_argument_number
        when '$lt' then v_number < v_argument_number
        when '$gte' then v_number >= v_argument_number
        when '$lte' then v_number <= v_argument_number
        when '$between' then
            perdure._operator_matches(jsonb_build_object('$gte', v_argument -> 0), p_value)
            and perdure._operator_matches(jsonb_build_object('$lte', v_argument -> 1), p_value)
        when '$includes' then case v_type
            when 'array' then exists (
                select 1 from jsonb_array_elements(p_value) as element where element.value = v_argument
            )
        end
        when '$not' then case v_type
            when 'array' then not exists (
                select 1 from jsonb_array_elements(p_value) as element where element.value = v_argument
            )
            when 'null' then false
            when 'object' then false
            else p_value <> v_argument
        end
    end, false);
end;
$$;
comment on function perdure._operator_matches(jsonb, jsonb) is 'Does a value satisfy one operator of a filter?';
