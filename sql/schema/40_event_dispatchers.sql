-- event_dispatchers: subscriptions; which events start which job, start the jobs of a dynamic trigger, or are sent
-- to a URL, once (ephemeral). Written only by sql/functions/endpoints/, events/ and dynamic_triggers/.
create table perdure.event_dispatchers (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    job_id uuid references perdure.jobs (id),
    dynamic_trigger_id uuid references perdure.dynamic_triggers (id),
    dynamic_source_key text,  -- with dynamic_trigger_id: the source's key; only its events count
    url text,  -- ephemeral: the first event that matches is sent there
    source text not null,
    event_names text[] not null,
    payload_filter jsonb,  -- EventFilter, or RequestFilter for events of payload type REQUEST; null: every payload
    context_filter jsonb,
    external_account_id uuid,  -- null: events of whomever
    expires_at timestamptz,  -- ephemeral: gone after this
    enabled boolean not null,
    constraint event_dispatchers_job_unique unique (environment_id, job_id),
    constraint event_dispatchers_url_unique unique (environment_id, url),
    constraint event_dispatchers_dynamic_unique unique (environment_id, dynamic_source_key),
    constraint event_dispatchers_one_target check (num_nonnulls(job_id, dynamic_trigger_id, url) = 1),
    constraint event_dispatchers_ephemeral_expires check ((url is null) = (expires_at is null))
);
comment on table perdure.event_dispatchers is 'Subscriptions: which events start which job.';
-- Serves promote_due: ephemeral ones that nobody waits for any more.
create index event_dispatchers_expires_idx on perdure.event_dispatchers (expires_at) where expires_at is not null;
