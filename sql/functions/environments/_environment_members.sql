-- _environment_members: the members of EXECUTE_JOB that say where a run belongs, as text.
-- Returns    a row as _environment_json.
-- Called by  claim_runs, _plain_starts, whose statements it becomes a part of.
create or replace function perdure._environment_members(p_environment_id uuid)
returns table (members text, concurrency_limit_id uuid)
language sql stable
begin atomic
    select
        concat('"environment":', o.environment, ',"organization":', o.organization, ',"project":', o.project),
        o.concurrency_limit_id
    from perdure._environment_json(p_environment_id) as o;
end;
comment on function perdure._environment_members(uuid) is 'The members of a body that say where a run belongs.';
