-- _concurrency_limit_problem: what is wrong with the concurrency limits of a manifest's jobs.
-- Arguments  p_jobs  a JSON array.
-- Returns    the first problem: the member, what it was and what is allowed; null: none.
-- Called by  _check_manifest.
create or replace function perdure._concurrency_limit_problem(p_jobs jsonb)
returns text
language sql immutable
return (
    select
        format(
            'jobs[%s].concurrencyLimit must be a whole number from 1 to 1000000, or {"id": "group", "limit": n}: %s',
            j.ordinal - 1, j.job -> 'concurrencyLimit'
        )
    from jsonb_array_elements(p_jobs) with ordinality as j (job, ordinal)
    cross join lateral (select j.job -> 'concurrencyLimit' as value) as c
    where
        jsonb_typeof(c.value) <> 'null'
        and case jsonb_typeof(c.value)
            when 'number' then c.value::text !~ '^[1-9][0-9]{0,5}$|^1000000$'
            when 'object' then
            coalesce(c.value ->> 'id', '') = '' or coalesce(c.value ->> 'limit', '') !~ '^[1-9][0-9]{0,5}$|^1000000$'
            else true
        end
    order by j.ordinal
    limit 1
);
comment on function perdure._concurrency_limit_problem(jsonb)
is 'What is wrong with the concurrency limits of a manifest.';
