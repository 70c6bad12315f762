-- _schedule_problem: what is wrong with the schedules of a manifest's jobs.
-- Arguments  p_jobs  a JSON array.
-- Returns    the first problem: the member, what it was and what is allowed; null: none.
-- Called by  _check_manifest.
create or replace function perdure._schedule_problem(p_jobs jsonb)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select format('jobs[%s].trigger.schedule.%s', j.ordinal - 1, c.problem)
        from jsonb_array_elements(p_jobs) with ordinality as j (job, ordinal)
        cross join lateral (
            select case
                when j.job -> 'trigger' ->> 'type' = 'scheduled'
                    then perdure._timing_problem(coalesce(j.job -> 'trigger' -> 'schedule', 'null'))
            end as problem
        ) as c
        where c.problem is not null
        order by j.ordinal
        limit 1
    );
end;
$$;
comment on function perdure._schedule_problem(jsonb) is 'What is wrong with the schedules of a manifest''s jobs.';
