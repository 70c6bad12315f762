-- _registration_problem: what is wrong with what is to be attached to a dynamic trigger.
-- Arguments  p_body  as of register_dynamic_trigger.
-- Returns    the first problem: the member, what it was and what is allowed; null: none.
-- Called by  register_dynamic_trigger.
create or replace function perdure._registration_problem(p_body jsonb)
returns text
language sql immutable set search_path = pg_catalog, pg_temp
as $$
    select coalesce(
        case
            when jsonb_typeof(p_body -> 'rule') is distinct from 'object'
                then 'rule must be an object, such as {"event": "push", "source": "github.com"}'
            else 'rule.' || perdure._rule_problem(p_body -> 'rule')
        end,
        case
            when jsonb_typeof(p_body -> 'source') is distinct from 'object'
                then 'source must be an object, as in the answer to INDEX_ENDPOINT'
            when octet_length(p_body -> 'source' ->> 'key') > 500 then 'source.key must be 500 bytes at most'
            else replace(perdure._source_problem(jsonb_build_array(p_body -> 'source')), 'sources[0]', 'source')
        end,
        case
            when jsonb_typeof(p_body -> 'accountId') not in ('string', 'null') or p_body ->> 'accountId' = ''
                then 'accountId must be a text that is not empty'
        end
    );
$$;
comment on function perdure._registration_problem(jsonb) is 'What is wrong with a registration.';
