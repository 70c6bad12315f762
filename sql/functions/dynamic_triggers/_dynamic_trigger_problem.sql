-- _dynamic_trigger_problem: what is wrong with the dynamic triggers and schedules of a manifest.
-- Arguments  p_triggers, p_schedules  JSON arrays.
-- Returns    the first problem: the member, what it was and what is allowed; null: none.
-- Called by  _check_manifest.
create or replace function perdure._dynamic_trigger_problem(p_triggers jsonb, p_schedules jsonb)
returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select format('%s[%s].%s', d.list, d.ordinal - 1, c.problem)
        from (
            select
                l.list,
                e.declared,
                e.ordinal,
                row_number() over (partition by e.declared ->> 'id' order by l.place, e.ordinal) as occurrence
            from (
                values (1, 'dynamicTriggers', p_triggers), (2, 'dynamicSchedules', p_schedules)
            ) as l (place, list, elements)
            cross join lateral jsonb_array_elements(l.elements) with ordinality as e (declared, ordinal)
        ) as d
        cross join lateral (
            select case
                when jsonb_typeof(d.declared -> 'id') is distinct from 'string'
                    or d.declared ->> 'id' !~ '^.{1,200}$' then 'id must be a text of 1 to 200 characters'
                when d.occurrence > 1 then format(
                    'id repeats "%s": dynamic triggers and schedules must have ids of their own', d.declared ->> 'id'
                )
                when jsonb_typeof(d.declared -> 'jobs') not in ('array', 'null')
                    or jsonb_path_exists(d.declared, 'strict $.jobs[*] ? (@.type() != "object")', silent => true)
                    then 'jobs must be a list of jobs, such as [{"id": "greet", "version": "1.0.0"}]'
            end as problem
        ) as c
        where c.problem is not null
        order by d.list desc, d.ordinal
        limit 1
    );
end;
$$;
comment on function perdure._dynamic_trigger_problem(jsonb, jsonb)
is 'What is wrong with the dynamic triggers of a manifest.';
