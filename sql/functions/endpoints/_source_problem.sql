-- _source_problem: what is wrong with the sources of a manifest.
-- Arguments  p_sources  a JSON array.
-- Returns    the first problem: the member, what it was and what is allowed; null: none.
-- Called by  _check_manifest.
create or replace function perdure._source_problem(p_sources jsonb)
returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select format('sources[%s].%s', s.ordinal - 1, c.problem)
        from (
            select
                e.source,
                e.ordinal,
                row_number() over (partition by e.source ->> 'key' order by e.ordinal) as occurrence
            from jsonb_array_elements(p_sources) with ordinality as e (source, ordinal)
        ) as s
        cross join lateral (
            select case
                when coalesce(s.source ->> 'key', '') = '' then 'key must be a text that is not empty'
                when s.occurrence > 1
                    then format('key repeats "%s": a source key must be unique in an app', s.source ->> 'key')
                when s.source ->> 'channel' not in ('HTTP', 'SQS', 'SMTP')
                    then format('channel must be HTTP, SQS or SMTP, not %s', s.source ->> 'channel')
                when jsonb_typeof(s.source -> 'options') not in ('object', 'null')
                    or jsonb_path_exists(s.source, 'strict $.options.* ? (@.type() != "array")', silent => true)
                    or jsonb_path_exists(s.source, 'strict $.options.*[*] ? (@.type() != "string")', silent => true)
                    then 'options must be an object of lists of texts, such as {"event": ["issues"]}'
                when jsonb_typeof(s.source -> 'events') not in ('array', 'null')
                    or jsonb_path_exists(s.source, 'strict $.events[*] ? (@.type() != "string")', silent => true)
                    then 'events must be a list of texts, such as ["issues"]'
            end as problem
        ) as c
        where c.problem is not null
        order by s.ordinal
        limit 1
    );
end;
$$;
comment on function perdure._source_problem(jsonb) is 'What is wrong with the sources of a manifest.';
