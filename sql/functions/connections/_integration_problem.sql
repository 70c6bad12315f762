-- _integration_problem: what is wrong with the integrations of a manifest's jobs.
-- Arguments  p_jobs  a JSON array.
-- Returns    the first problem: the member, what it was and what is allowed; null: none.
-- Called by  _check_manifest.
create or replace function perdure._integration_problem(p_jobs jsonb)
returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select format('jobs[%s].integrations%s', i.ordinal - 1, c.problem)
        from (
            select j.ordinal, m.key, m.value as config, jsonb_typeof(j.job -> 'integrations') as type
            from jsonb_array_elements(p_jobs) with ordinality as j (job, ordinal)
            left join lateral jsonb_each(
                case jsonb_typeof(j.job -> 'integrations') when 'object' then j.job -> 'integrations' else '{}' end
            ) as m on true
        ) as i
        cross join lateral (
            select case
                when i.type not in ('object', 'null') then format(' must be an object by name, not %s', i.type)
                when i.key is null then null
                when coalesce(i.config ->> 'id', '') !~ '^.{1,200}$'
                    then format('.%s.id must be 1 to 200 characters', i.key)
                when coalesce(i.config ->> 'authSource', '') not in ('HOSTED', 'LOCAL', 'RESOLVER') then format(
                    '.%s.authSource must be HOSTED, LOCAL or RESOLVER, not %s',
                    i.key, coalesce(i.config ->> 'authSource', 'absent')
                )
                when coalesce(i.config #>> '{metadata,id}', '') = '' or coalesce(i.config #>> '{metadata,name}', '') = ''
                    then format('.%s.metadata must have an id and a name', i.key)
            end as problem
        ) as c
        where c.problem is not null
        order by i.ordinal, i.key
        limit 1
    );
end;
$$;
comment on function perdure._integration_problem(jsonb) is 'What is wrong with the integrations of a manifest.';
