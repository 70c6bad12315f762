-- _limits_of_runs: the concurrency limits that an execution of these runs counts against; no row for a run without any.
-- Called by  _admit_runs, _pass_on_slots, doctor.
create or replace function perdure._limits_of_runs(p_run_ids uuid[])
returns table (run_id uuid, limit_ids uuid[])
language sql stable
begin atomic
    select
        r.id,
        array_remove(array[v.concurrency_limit_id, e.concurrency_limit_id], null)
    from perdure.runs as r
    inner join perdure.job_versions as v on v.id = r.job_version_id
    inner join perdure.environments as e on e.id = r.environment_id
    where r.id = any(p_run_ids) and (v.concurrency_limit_id is not null or e.concurrency_limit_id is not null);
end;
comment on function perdure._limits_of_runs(uuid[]) is 'The concurrency limits of runs.';
