-- _rule_problem: what is wrong with an event rule: {event: name or names, source, payload?: filter, context?: filter}.
-- Returns    the first problem: the member and what is allowed; null: none.
-- Called by  _job_problem, _registration_problem.
create or replace function perdure._rule_problem(p_rule jsonb)
returns text
language sql immutable set search_path = pg_catalog, pg_temp
as $$
    select case
        when coalesce(jsonb_typeof(p_rule -> 'event'), '') not in ('string', 'array')
            or jsonb_path_exists(p_rule, '$.event[*] ? (@.type() != "string" || @ == "")')
            then 'event must be an event name or a list of them'
        when coalesce(p_rule ->> 'source', '') = '' then 'source must be a text that is not empty'
        when jsonb_typeof(p_rule -> 'payload') not in ('object', 'null')
            then 'payload must be a filter, which is an object'
        when jsonb_typeof(p_rule -> 'context') not in ('object', 'null')
            then 'context must be a filter, which is an object'
    end;
$$;
comment on function perdure._rule_problem(jsonb) is 'What is wrong with an event rule.';
