-- environment_jobs: a job as it stands in one environment: the version that new runs get. Written only by
-- index_endpoint.
create table perdure.environment_jobs (
    environment_id uuid not null references perdure.environments (id),
    job_id uuid not null references perdure.jobs (id),
    latest_version_id uuid not null references perdure.job_versions (id),
    primary key (environment_id, job_id)
);
comment on table perdure.environment_jobs is 'Which version of a job new runs get, per environment.';
