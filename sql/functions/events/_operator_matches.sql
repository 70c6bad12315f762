-- _operator_matches: does a value satisfy one operator object of a filter, such as {"$gte": 5}?
-- Arguments  p_operator  its first operator in the order below counts; a malformed argument, such as
--                        {"$gt": "much"}, does not match;
--            p_value     SQL null: there is no such value.
-- Called by  event_matches; Postgres inlines it, so no part of it may be a query.
create or replace function perdure._operator_matches(p_operator jsonb, p_value jsonb)
returns boolean
language sql immutable parallel safe
return coalesce(case
    when jsonb_typeof(p_operator) <> 'object' then false
    when p_operator ? '$endsWith' then (
        right(perdure._json_text(p_value), length(perdure._json_text(p_operator -> '$endsWith')))
        = perdure._json_text(p_operator -> '$endsWith')
    )
    when p_operator ? '$startsWith' then (
        starts_with(perdure._json_text(p_value), perdure._json_text(p_operator -> '$startsWith'))
    )
    when p_operator ? '$ignoreCaseEquals' then (
        perdure._fold_case(perdure._json_text(p_value))
        = perdure._fold_case(perdure._json_text(p_operator -> '$ignoreCaseEquals'))
    )
    when p_operator ? '$exists' then case p_operator -> '$exists'
        when 'true' then p_value is not null
        when 'false' then p_value is null
    end
    when p_operator ? '$isNull' then case p_operator -> '$isNull'
        when 'true' then p_value = 'null'
        when 'false' then p_value is distinct from 'null'
    end
    when p_operator ? '$anythingBut' then case jsonb_typeof(p_operator -> '$anythingBut')
        when 'array' then (perdure._is_scalar(p_value) and p_operator -> '$anythingBut' @> p_value) is not true
        else perdure._is_scalar(p_operator -> '$anythingBut') and p_value is distinct from p_operator -> '$anythingBut'
    end
    when p_operator ? '$gt' then perdure._json_number(p_value) > perdure._json_number(p_operator -> '$gt')
    when p_operator ? '$lt' then perdure._json_number(p_value) < perdure._json_number(p_operator -> '$lt')
    when p_operator ? '$gte' then perdure._json_number(p_value) >= perdure._json_number(p_operator -> '$gte')
    when p_operator ? '$lte' then perdure._json_number(p_value) <= perdure._json_number(p_operator -> '$lte')
    when p_operator ? '$between' then (
        perdure._json_number(p_value) between perdure._json_number(p_operator -> '$between' -> 0)
        and perdure._json_number(p_operator -> '$between' -> 1)
    )
    when p_operator ? '$includes' then (
        jsonb_typeof(p_value) = 'array' and perdure._is_scalar(p_operator -> '$includes')
        and p_value @> (p_operator -> '$includes')
    )
    when p_operator ? '$not' then perdure._is_scalar(p_operator -> '$not') and case jsonb_typeof(p_value)
        when 'array' then not p_value @> (p_operator -> '$not')
        when 'object' then false
        when 'null' then false
        else p_value <> p_operator -> '$not'
    end
end, false);
comment on function perdure._operator_matches(jsonb, jsonb) is 'Does a value satisfy one operator of a filter?';
