-- dynamic_trigger_jobs: the jobs that a dynamic trigger starts. Written only by index_endpoint.
create table perdure.dynamic_trigger_jobs (
    dynamic_trigger_id uuid not null references perdure.dynamic_triggers (id) on delete cascade,
    job_id uuid not null references perdure.jobs (id),
    primary key (dynamic_trigger_id, job_id)
);
comment on table perdure.dynamic_trigger_jobs is 'The jobs that a dynamic trigger starts.';
