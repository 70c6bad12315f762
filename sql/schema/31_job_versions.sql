-- job_versions: one version of a job as one environment's endpoint declared it. Written only by
-- index_endpoint.
create table perdure.job_versions (
    id uuid primary key,
    job_id uuid not null references perdure.jobs (id),
    environment_id uuid not null references perdure.environments (id),
    endpoint_id uuid not null references perdure.endpoints (id),
    version text not null,  -- semver
    status text not null,
    event_spec json not null,  -- EventSpec: title, icon, schema of the payload, examples
    trigger json not null,  -- TriggerMetadata
    integrations json not null,  -- map: key in the job -> IntegrationConfig
    hosted_integrations text[] not null default '{}',  -- slugs of those whose connections the platform holds
    concurrency_limit_id uuid,  -- the one that counts; null: none
    declared_limit_id uuid,  -- the one that the code names; a person may have set another; null: none
    preprocess_runs boolean not null default false,  -- ask the app for a run's properties before it starts
    timeout interval,  -- how long a run may take, from when it was created; null: as long as it likes
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint job_versions_unique unique (job_id, environment_id, version),
    constraint job_versions_status_known check (status in ('ACTIVE', 'DISABLED'))
);
comment on table perdure.job_versions is 'Versions of jobs, per environment.';
create index job_versions_endpoint_idx on perdure.job_versions (endpoint_id);
