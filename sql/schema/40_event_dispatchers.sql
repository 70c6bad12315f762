-- event_dispatchers: subscriptions; which events start which job in an environment. Written only by
-- index_endpoint.
create table perdure.event_dispatchers (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    job_id uuid not null references perdure.jobs (id),
    source text not null,
    event_names text[] not null,
    payload_filter jsonb,  -- EventFilter; null: every payload
    context_filter jsonb,
    enabled boolean not null,
    constraint event_dispatchers_job_unique unique (environment_id, job_id)
);
comment on table perdure.event_dispatchers is 'Subscriptions: which events start which job.';
