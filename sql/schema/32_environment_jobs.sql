-- environment_jobs: a job as it stands in one environment: the version that new runs get. Written only by
-- index_endpoint and set_job_concurrency_limit.
create table perdure.environment_jobs (
    environment_id uuid not null references perdure.environments (id),
    job_id uuid not null references perdure.jobs (id),
    latest_version_id uuid not null references perdure.job_versions (id),
    concurrency_limit_id uuid,  -- set by a person, instead of what the code says; null: what the code says
    primary key (environment_id, job_id)
);
comment on table perdure.environment_jobs is 'Which version of a job new runs get, per environment.';
