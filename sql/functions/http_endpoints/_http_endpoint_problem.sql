-- _http_endpoint_problem: what is wrong with the HTTP endpoints of a manifest.
-- Arguments  p_http_endpoints  a JSON array.
-- Returns    the first problem: the member, what it was and what is allowed; null: none.
-- Called by  _check_manifest.
create or replace function perdure._http_endpoint_problem(p_http_endpoints jsonb)
returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select format('httpEndpoints[%s].%s', h.ordinal - 1, c.problem)
        from (
            select
                e.http_endpoint as endpoint,
                e.ordinal,
                row_number() over (partition by e.http_endpoint ->> 'id' order by e.ordinal) as occurrence
            from jsonb_array_elements(p_http_endpoints) with ordinality as e (http_endpoint, ordinal)
        ) as h
        cross join lateral (
            select case
                when jsonb_typeof(h.endpoint -> 'id') is distinct from 'string'
                    or h.endpoint ->> 'id' !~ '^.{1,200}$' then 'id must be a text of 1 to 200 characters'
                when h.occurrence > 1
                    then format('id repeats "%s": the id of an HTTP endpoint must be unique in an app', h.endpoint ->> 'id')
                when coalesce(h.endpoint ->> 'source', '') = '' then 'source must be a text that is not empty'
                when jsonb_typeof(h.endpoint -> 'enabled') not in ('boolean', 'null')
                    then 'enabled must be true or false'
                when jsonb_typeof(h.endpoint -> 'skipTriggeringRuns') not in ('boolean', 'null')
                    then 'skipTriggeringRuns must be true or false'
                when jsonb_typeof(h.endpoint -> 'immediateResponseFilter') not in ('object', 'null')
                    then 'immediateResponseFilter must be a request filter, which is an object'
                when jsonb_typeof(h.endpoint -> 'event') not in ('object', 'null')
                    then 'event must be an object, such as {"title": "…"}'
            end as problem
        ) as c
        where c.problem is not null
        order by h.ordinal
        limit 1
    );
end;
$$;
comment on function perdure._http_endpoint_problem(jsonb) is 'What is wrong with the HTTP endpoints of a manifest.';
