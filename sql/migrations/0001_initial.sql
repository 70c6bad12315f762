-- 0001_initial.sql: every table of the first release.
-- Built from sql/schema/ by scripts/build_initial_migration.py; edit those files.
-- Phase expand. Locks nothing that exists. Data none.

-- Two schemas: perdure holds tables and functions, perdure_views the read-only views that people and tools
-- may rely on. Both belong to perdure_owner, as whom the security definer functions run.
create schema perdure;
comment on schema perdure
is 'Perdure: durable background jobs. Tables change only through the functions in this schema.';
create schema perdure_views;
comment on schema perdure_views is 'Perdure: read-only views with a stable shape.';

-- migrations: the ledger. A row for each file of sql/migrations/ that this database has been through.
-- Written only by the migrator.
create table perdure.migrations (
    number integer primary key,
    name text not null,
    checksum text not null,  -- sha256 of the file, hex; a released file never changes
    applied_at timestamptz not null default now()
);
comment on table perdure.migrations is 'Migrations applied to this database, with the checksums of their files.';

-- function_sets: which state of sql/functions/ this database holds; the newest row counts.
-- Written only by the migrator, which loads all functions again when the joint checksum differs.
create table perdure.function_sets (
    id integer generated always as identity primary key,
    checksum text not null,  -- sha256 over all files, hex
    release text not null,  -- version of the package that carried them
    applied_at timestamptz not null default now()
);
comment on table perdure.function_sets is 'Function sets loaded into this database; the newest row is current.';

-- settings: what the engine must know of the installation, such as the public origin of the server.
-- Written only by set_setting.
create table perdure.settings (
    name text primary key,
    value text not null,
    updated_at timestamptz not null,
    constraint settings_name_known check (name in ('public_url'))
);
comment on table perdure.settings is 'Settings of this installation, by name.';

-- organizations: who owns projects. Written only by create_project.
create table perdure.organizations (
    id uuid primary key,
    slug text not null,
    title text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint organizations_slug_unique unique (slug)
);
comment on table perdure.organizations is 'Owners of projects.';

-- projects: a set of jobs that belong together, deployed to several environments. Written only by
-- create_project.
create table perdure.projects (
    id uuid primary key,
    organization_id uuid not null references perdure.organizations (id),
    slug text not null,
    name text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint projects_slug_unique unique (slug)
);
comment on table perdure.projects is 'Sets of jobs that belong together.';

-- environments: where a project's jobs run. Each has its own keys, endpoints, events and runs.
-- Written only by create_project.
create table perdure.environments (
    id uuid primary key,
    project_id uuid not null references perdure.projects (id),
    slug text not null,  -- also the middle of the API keys: tr_<slug>_…
    type text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint environments_project_slug_unique unique (project_id, slug),
    constraint environments_type_known check (type in ('DEVELOPMENT', 'STAGING', 'PRODUCTION', 'PREVIEW'))
);
comment on table perdure.environments is 'Development, staging, production and preview of each project.';

-- api_keys: secret keys (servers) and public keys (browsers, read only) of an environment.
-- The key itself is shown once and never stored: its hash finds it, the signing secret derived from it signs
-- requests to the app's endpoint (ADR 0004). Written only by create_api_key and revoke_api_key.
create table perdure.api_keys (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    kind text not null,
    hint text not null,  -- the key's beginning, enough for a person to tell keys apart
    key_hash bytea not null,  -- sha256 of the key
    signing_secret bytea,  -- sha256 of 'perdure.signing.v1:' and the key; null for public keys
    created_at timestamptz not null,
    revoked_at timestamptz,
    constraint api_keys_hash_unique unique (key_hash),
    constraint api_keys_kind_known check (kind in ('SECRET', 'PUBLIC')),
    constraint api_keys_secret_signs check ((kind = 'SECRET') = (signing_secret is not null))
);
comment on table perdure.api_keys is 'API keys by hash; the keys themselves are not kept.';
-- Serves get_signing_secrets and every claim.
create index api_keys_environment_idx on perdure.api_keys (environment_id) where revoked_at is null;

-- endpoints: the one URL of an app that the platform calls. Written only by sql/functions/endpoints/ and by
-- apply_results, which learns how long the host lets a function live.
create table perdure.endpoints (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    slug text not null,  -- the app's id
    url text not null,
    timeout_ms integer not null default 60000,  -- for one whole request; a lease lasts this long and a margin
    execution_limit_ms integer not null default 60000,  -- how long the host lets a function live, as far as known
    sdk_name text,  -- 'perdure', 'trigger', null: not indexed yet
    sdk_version text,
    indexing_hook_id text not null,  -- secret part of the deploy hook's URL
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint endpoints_environment_slug_unique unique (environment_id, slug),
    constraint endpoints_timeout_in_range check (timeout_ms between 1000 and 3600000),
    constraint endpoints_limit_in_range check (execution_limit_ms between 10000 and 3600000)
);
comment on table perdure.endpoints is 'URLs of the apps that run jobs.';

-- endpoint_indexes: each reading of an endpoint's jobs, with what came of it. Written only by
-- sql/functions/endpoints/.
create table perdure.endpoint_indexes (
    id uuid primary key,
    endpoint_id uuid not null references perdure.endpoints (id) on delete cascade,
    status text not null,
    stats json,
    error json,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint endpoint_indexes_status_known check (status in ('PENDING', 'STARTED', 'SUCCESS', 'FAILURE'))
);
comment on table perdure.endpoint_indexes is 'Readings of an endpoint''s jobs, with result or error.';
create index endpoint_indexes_endpoint_idx on perdure.endpoint_indexes (endpoint_id, id);

-- jobs: the user's registered code, once a project. Written only by index_endpoint.
create table perdure.jobs (
    id uuid primary key,
    project_id uuid not null references perdure.projects (id),
    slug text not null,
    name text not null,
    internal boolean not null default false,  -- true: made by the SDK, e.g. to register a webhook; not shown in lists
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint jobs_project_slug_unique unique (project_id, slug)
);
comment on table perdure.jobs is 'Jobs of a project.';

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
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint job_versions_unique unique (job_id, environment_id, version),
    constraint job_versions_status_known check (status in ('ACTIVE', 'DISABLED'))
);
comment on table perdure.job_versions is 'Versions of jobs, per environment.';
create index job_versions_endpoint_idx on perdure.job_versions (endpoint_id);

-- environment_jobs: a job as it stands in one environment: the version that new runs get. Written only by
-- index_endpoint.
create table perdure.environment_jobs (
    environment_id uuid not null references perdure.environments (id),
    job_id uuid not null references perdure.jobs (id),
    latest_version_id uuid not null references perdure.job_versions (id),
    primary key (environment_id, job_id)
);
comment on table perdure.environment_jobs is 'Which version of a job new runs get, per environment.';

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

-- event_dispatcher_names: event_dispatchers.event_names, a row a name, so that events find their
-- subscriptions by index however many jobs an environment has. Written only by index_endpoint.
create table perdure.event_dispatcher_names (
    environment_id uuid not null,
    event_name text not null,
    source text not null,
    event_dispatcher_id uuid not null references perdure.event_dispatchers (id) on delete cascade,
    primary key (environment_id, event_name, source, event_dispatcher_id)
);
comment on table perdure.event_dispatcher_names is 'The names each subscription listens to, for look-up.';
create index event_dispatcher_names_dispatcher_idx on perdure.event_dispatcher_names (event_dispatcher_id);

-- events: what happened, with its payload. An event that is delivered at once is inserted and never updated.
-- Documents are json, not jsonb: the text is kept as it came, \u0000 and key order included.
-- No foreign keys on the hot tables (events, runs, tasks and what hangs on them): ADR 0005.
-- Written only by sql/functions/events/.
create table perdure.events (
    id uuid primary key,
    environment_id uuid not null,
    event_id text not null,  -- the sender's id; makes sending idempotent
    name text not null,
    source text not null,
    payload json not null,
    payload_type text not null,
    context json not null,
    source_context json,  -- {id, metadata} of the dynamic source or schedule that sent it
    is_test boolean not null,
    happened_at timestamptz not null,
    deliver_at timestamptz not null,
    due_at timestamptz,  -- set while delivery lies ahead
    delivered_at timestamptz,
    cancelled_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint events_event_id_unique unique (environment_id, event_id),
    constraint events_payload_type_known check (payload_type in ('JSON', 'REQUEST')),
    constraint events_due_until_delivered check (
        (due_at is null) = (delivered_at is not null or cancelled_at is not null)
    ),
    constraint events_due_at_finite check (isfinite(due_at))
);
comment on table perdure.events is 'Events with their payloads.';
-- Serves promote_due: oldest due event first.
create index events_due_idx on perdure.events (due_at, id) where due_at is not null;

-- runs: one execution of a job for one event in one environment. Legal changes of status: _run_may_become.
-- Updated at every claim and every reply, so it carries no payload and no index on a column that changes at
-- each step: these updates stay HOT. Written only by sql/functions/runs/ and _deliver_events.
create table perdure.runs (
    id uuid primary key,
    environment_id uuid not null,
    job_id uuid not null,
    job_version_id uuid not null,
    endpoint_id uuid not null,
    event_id uuid not null,  -- events.id
    status text not null,
    is_test boolean not null,
    lease_number integer not null default 0,  -- raised by each claim; a reply or task call with another number is late
    execution_count integer not null default 0,  -- EXECUTE_JOB requests that ended, however
    failure_count integer not null default 0,  -- of these, the last ones in a row that got no answer
    duration_ms bigint not null default 0,  -- wall time of all executions
    yielded_keys text[] not null default '{}',  -- keys of io.yield() already taken
    output json,  -- result, or the error of a failed run; null and no completed_at: none yet
    due_at timestamptz,  -- WAITING_TO_EXECUTE not before this instant (backoff); null: now
    created_at timestamptz not null,
    started_at timestamptz,
    completed_at timestamptz,
    updated_at timestamptz not null,
    constraint runs_status_known check (
        status in (
            'PENDING', 'WAITING_ON_CONNECTIONS', 'QUEUED', 'EXECUTING', 'WAITING_TO_CONTINUE', 'WAITING_TO_EXECUTE',
            'PREPROCESSING', 'STARTED', 'SUCCESS', 'FAILURE', 'TIMED_OUT', 'ABORTED', 'CANCELED', 'UNRESOLVED_AUTH',
            'INVALID_PAYLOAD'
        )
    ),
    constraint runs_completed_at_matches_status check (
        (completed_at is not null)
        = (status in ('SUCCESS', 'FAILURE', 'TIMED_OUT', 'ABORTED', 'CANCELED', 'UNRESOLVED_AUTH', 'INVALID_PAYLOAD'))
    ),
    constraint runs_due_at_finite check (isfinite(due_at))
) with (fillfactor = 75);
comment on table perdure.runs is 'Runs of jobs.';
-- Serve list_runs and the views: newest first.
create index runs_environment_idx on perdure.runs (environment_id, id);
create index runs_job_idx on perdure.runs (job_id, id);
create index runs_event_idx on perdure.runs (event_id);
-- Serves promote_due: oldest due backoff first.
create index runs_due_idx on perdure.runs (due_at, id) where due_at is not null;

-- tasks: one durable step of a run. The same (run_id, idempotency_key) always means the same row.
-- Legal changes of status: _task_may_become. Written only by sql/functions/tasks/ and sql/functions/runs/.
create table perdure.tasks (
    id uuid primary key,
    run_id uuid not null,
    idempotency_key text not null,
    display_key text,
    parent_id uuid,  -- the enclosing task
    status text not null,
    noop boolean not null,  -- true: a pure wait or a log line, nothing to execute after it
    name text not null,
    icon text,
    description text,
    params json,
    properties json,
    output_properties json,
    style json,
    connection_key text,
    operation text,  -- what the platform itself performs: fetch, fetch-response, fetch-poll
    child_execution_mode text not null default 'SEQUENTIAL',
    attempt_count integer not null default 1,  -- including the current one
    output json,  -- result or error; null and COMPLETED: the task returned nothing (not even JSON null)
    delay_until timestamptz,  -- not before this instant; null: no delay
    due_at timestamptz,  -- set while WAITING for an instant: end of the wait, or of the delay between attempts
    started_at timestamptz not null,
    completed_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint tasks_run_key_unique unique (run_id, idempotency_key),
    constraint tasks_status_known check (
        status in ('PENDING', 'WAITING', 'RUNNING', 'COMPLETED', 'ERRORED', 'CANCELED')
    ),
    constraint tasks_operation_known check (operation in ('fetch', 'fetch-response', 'fetch-poll')),
    constraint tasks_child_execution_mode_known check (child_execution_mode in ('SEQUENTIAL', 'PARALLEL')),
    constraint tasks_completed_at_matches_status check (
        (completed_at is not null) = (status in ('COMPLETED', 'ERRORED', 'CANCELED'))
    ),
    constraint tasks_due_only_while_waiting check (due_at is null or status = 'WAITING'),
    constraint tasks_due_at_finite check (isfinite(due_at))
);
comment on table perdure.tasks is 'Durable steps of runs, each with its stored result.';
-- Serves promote_due: oldest due wait first. Not by status: a task that runs without waiting never enters it.
create index tasks_due_idx on perdure.tasks (due_at, id) where due_at is not null;

-- task_attempts: the tries of a task that failed and were followed by another. The current try is the task
-- row itself (attempt_count), so a task that succeeds at once costs one row; perdure_views.attempts shows
-- both. Insert only. Written only by apply_results.
create table perdure.task_attempts (
    task_id uuid not null,
    number integer not null,  -- from 1
    error json not null,
    ended_at timestamptz not null,
    next_at timestamptz not null,  -- when the following try was due
    primary key (task_id, number)
);
comment on table perdure.task_attempts is 'Failed tries of tasks that were tried again.';

-- task_call: one call inside upsert_tasks, finish_tasks and _store_tasks, parsed once. Not stored.
create type perdure.task_call as (
    ordinal integer,  -- its place in the batch, from 1
    environment_id uuid,
    run_id uuid,
    task_id uuid,
    lease_number integer,  -- null: the caller does not know leases
    body json,  -- what is to be stored
    canceled boolean,  -- the run has been cancelled
    error_code text,  -- why it may not write; null: it may
    error_message text
);
comment on type perdure.task_call is 'One call about a task inside a batch.';

-- leases: a row for each execution in flight, from claim to reply. A lease that expires means that the
-- dispatcher or the endpoint died. Small and short-lived, so promote_due may look through it for expired ones
-- without an index on expires_at. Written only by sql/functions/runs/.
create table perdure.leases (
    run_id uuid primary key,
    lease_number integer not null,
    dispatcher text not null,
    claimed_at timestamptz not null,
    expires_at timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
comment on table perdure.leases is 'Executions in flight.';

-- executions: the history of EXECUTE_JOB requests, one row each, written when it ends. Insert only.
-- Written only by apply_results.
create table perdure.executions (
    run_id uuid not null,
    lease_number integer not null,  -- which claim of the run
    dispatcher text not null,
    claimed_at timestamptz not null,
    ended_at timestamptz not null,
    duration_ms integer not null,  -- of the HTTP exchange, as the dispatcher measured it
    verdict text not null,  -- what became of the request
    reply_status text,  -- status in the endpoint's reply, e.g. RESUME_WITH_TASK
    http_status integer,
    message text,
    primary key (run_id, lease_number),
    constraint executions_verdict_known check (
        verdict in ('REPLY', 'UNREACHABLE', 'REFUSED', 'FUNCTION_TIMEOUT', 'MALFORMED', 'LEASE_EXPIRED')
    )
);
comment on table perdure.executions is 'History of EXECUTE_JOB requests.';

-- dead_letters: runs that failed because nobody could execute them, kept for people. Written only by
-- apply_results.
create table perdure.dead_letters (
    run_id uuid primary key,
    environment_id uuid not null,
    reason text not null,
    created_at timestamptz not null
);
comment on table perdure.dead_letters is 'Runs out of attempts, with the reason.';
create index dead_letters_environment_idx on perdure.dead_letters (environment_id, run_id);

-- execution_result: one result inside apply_results, parsed once. Not stored.
create type perdure.execution_result as (
    run_id uuid,
    lease_number integer,
    verdict text,
    duration_ms integer,
    http_status integer,
    message text,
    reply json,
    reply_status text,
    run_status text,  -- what the run became; null before it was moved
    task_id uuid  -- the task that the reply is about; null before it is looked up
);
comment on type perdure.execution_result is 'One result inside apply_results.';

-- sources: what brings events in from outside, such as a webhook at GitHub. It registers itself: while not
-- active or with options missing, the app's internal job is asked to register it. Written only by
-- sql/functions/sources/.
create table perdure.sources (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    endpoint_id uuid not null references perdure.endpoints (id),
    key text not null,
    channel text not null,
    integration json not null,  -- IntegrationConfig
    params json not null,
    secret text not null,  -- shared with the provider, signs its requests
    data json,  -- what the registration wants to remember, e.g. the webhook's id
    metadata json,  -- what the handler wants to remember between requests
    active boolean not null default false,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint sources_key_unique unique (environment_id, key),
    constraint sources_channel_known check (channel in ('HTTP', 'SQS', 'SMTP'))
);
comment on table perdure.sources is 'Self-registering sources of events, such as webhooks.';

-- source_options: what a source is to deliver, e.g. event = issues. Wanted by the app, registered at the
-- provider, or both. Written only by sql/functions/sources/.
create table perdure.source_options (
    source_id uuid not null references perdure.sources (id) on delete cascade,
    name text not null,
    value text not null,
    wanted boolean not null,
    registered boolean not null,
    primary key (source_id, name, value)
);
comment on table perdure.source_options is 'What sources are to deliver, and what is registered at the provider.';

-- source_deliveries: each request that a provider sent to a source, raw, until the app's handler has turned
-- it into events. due_at is also the lease: a claim moves it past the endpoint's timeout. Written only by
-- sql/functions/sources/.
create table perdure.source_deliveries (
    id uuid primary key,
    source_id uuid not null references perdure.sources (id) on delete cascade,
    status text not null,
    url text not null,
    method text not null,
    headers json not null,
    body bytea not null,
    attempt_count integer not null default 0,  -- also the number of the current claim
    due_at timestamptz,
    response json,  -- what the handler answered
    message text,  -- why the last attempt failed
    created_at timestamptz not null,
    completed_at timestamptz,
    constraint source_deliveries_status_known check (status in ('PENDING', 'DELIVERED', 'FAILED')),
    constraint source_deliveries_due_while_pending check ((due_at is not null) = (status = 'PENDING')),
    constraint source_deliveries_completed_at_matches_status check ((completed_at is null) = (status = 'PENDING'))
);
comment on table perdure.source_deliveries is 'Requests from providers, raw.';
create index source_deliveries_due_idx on perdure.source_deliveries (due_at, id) where due_at is not null;
create index source_deliveries_source_idx on perdure.source_deliveries (source_id, id);
