-- _job_problem: what is wrong with the jobs of a manifest.
-- Arguments  p_jobs  a JSON array.
-- Returns    the first problem: the member, what it was and what is allowed; null: none.
-- Called by  _check_manifest.
create or replace function perdure._job_problem(p_jobs jsonb)
returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select format('jobs[%s].%s', j.ordinal - 1, c.problem)
        from (
            select
                e.job,
                e.ordinal,
                row_number() over (partition by e.job ->> 'id' order by e.ordinal) as occurrence,
                e.job -> 'trigger' as trigger,
                e.job -> 'trigger' -> 'rule' as rule
            from jsonb_array_elements(p_jobs) with ordinality as e (job, ordinal)
        ) as j
        cross join lateral (
            select case
                when j.job ->> 'internal' = 'true' and coalesce(j.job ->> 'id', '') !~ '^.{1,200}$'
                    then 'id must be 1 to 200 characters'  -- a source's key, which may be anything
                when j.job ->> 'internal' is distinct from 'true'
                    and coalesce(j.job ->> 'id', '') !~ '^[A-Za-z0-9._~-]{1,200}$' then format(
                    'id must be 1 to 200 letters, digits, ".", "_", "~" or "-", not %s',
                    coalesce(j.job ->> 'id', 'absent')
                )
                when j.occurrence > 1
                    then format('id repeats "%s": a job id must be unique in an app', j.job ->> 'id')
                when coalesce(j.job ->> 'name', '') = '' then 'name must be a text that is not empty'
                when coalesce(j.job ->> 'version', '')
                    !~ '^[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}(-[0-9A-Za-z.-]{1,100})?(\+[0-9A-Za-z.-]{1,100})?$'
                    then format(
                        'version must be a semantic version such as 1.0.0, not %s',
                        coalesce(j.job ->> 'version', 'absent')
                    )
                when jsonb_typeof(j.job -> 'enabled') not in ('boolean', 'null') then 'enabled must be true or false'
                when jsonb_typeof(j.job -> 'internal') not in ('boolean', 'null') then 'internal must be true or false'
                when jsonb_typeof(j.job -> 'preprocessRuns') not in ('boolean', 'null')
                    then 'preprocessRuns must be true or false'
                when jsonb_typeof(j.job -> 'timeoutInSeconds') not in ('number', 'null') then 'timeoutInSeconds must be a number'
                when jsonb_typeof(j.job -> 'timeoutInSeconds') = 'number'
                    and not ((j.job ->> 'timeoutInSeconds')::numeric between 0.001 and 31536000)
                    then format(
                        'timeoutInSeconds must be 0.001 to 31536000 (a year), not %s', j.job ->> 'timeoutInSeconds'
                    )
                when coalesce(j.trigger ->> 'type', '') not in ('static', 'scheduled', 'dynamic', 'invoke') then format(
                    'trigger.type must be static, scheduled, dynamic or invoke, not %s',
                    coalesce(j.trigger ->> 'type', 'absent')
                )
                when j.trigger ->> 'type' = 'static' then 'trigger.rule.' || perdure._rule_problem(j.rule)
            end as problem
        ) as c
        where c.problem is not null
        order by j.ordinal
        limit 1
    );
end;
$$;
comment on function perdure._job_problem(jsonb) is 'What is wrong with the jobs of a manifest.';
