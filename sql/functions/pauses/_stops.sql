-- _stops: does this pause stop a run of this environment and job, whose job version has this concurrency limit?
-- Arguments  p_concurrency_limit_id  null: the version has none.
-- Returns    null: no.
-- Called by  _goes_at_once, _stop_paused_runs, _pause, explain_wait, list_jobs.
create or replace function perdure._stops(
    p_pause perdure.pauses, p_environment_id uuid, p_job_id uuid, p_concurrency_limit_id uuid
)
returns boolean
language sql immutable
return (p_pause).environment_id is null
or (
    (p_pause).environment_id = p_environment_id
    and ((p_pause).job_id is null or (p_pause).job_id = p_job_id)
    and ((p_pause).concurrency_limit_id is null or (p_pause).concurrency_limit_id = p_concurrency_limit_id)
);
comment on function perdure._stops(perdure.pauses, uuid, uuid, uuid) is 'Does a pause stop such a run?';
