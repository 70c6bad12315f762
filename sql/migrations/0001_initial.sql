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

-- organizations: who owns projects. Written only by create_project, create_owner and create_organization.
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
-- Written only by create_project, create_environment and sql/functions/environments/set_*.
create table perdure.environments (
    id uuid primary key,
    project_id uuid not null references perdure.projects (id),
    slug text not null,  -- also the middle of the API keys: tr_<slug>_…
    type text not null,
    shortcode text not null,  -- part of the URLs of HTTP endpoints
    schedules_enabled boolean not null,  -- false: schedules do not fire here; at first so in development
    concurrency_limit_id uuid,  -- for all executions of the environment together; null: none
    max_executions integer,  -- of one run; null: any number
    max_duration_ms bigint,  -- of all executions of one run together; null: any
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint environments_project_slug_unique unique (project_id, slug),
    constraint environments_shortcode_unique unique (shortcode),
    constraint environments_max_executions_positive check (max_executions > 0),
    constraint environments_max_duration_positive check (max_duration_ms > 0),
    constraint environments_type_known check (type in ('DEVELOPMENT', 'STAGING', 'PRODUCTION', 'PREVIEW'))
);
comment on table perdure.environments is 'Development, staging, production and preview of each project.';

-- api_keys: secret keys (servers) and public keys (browsers, read only) of an environment.
-- The key itself is shown once and never stored: its hash finds it, the signing secret derived from it signs
-- requests to the app's endpoint (ADR 0004). sealed_key is the exception: the key encrypted by the server, kept
-- for an environment that needs it in clear (the v2 JavaScript SDK, signatures of run webhooks; ADR 0009).
-- In force is one that was not revoked and has not expired. Written only by create_api_key, rotate_api_key,
-- keep_sealed_key, revoke_api_key and end_api_key.
create table perdure.api_keys (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    kind text not null,
    hint text not null,  -- the key's beginning, enough for a person to tell keys apart
    key_hash bytea not null,  -- sha256 of the key
    signing_secret bytea,  -- sha256 of 'perdure.signing.v1:' and the key; null for public keys
    sealed_key text,  -- the key, encrypted outside of Postgres; null: nobody needed it
    public_key text,  -- a public key in clear: it is no secret
    created_at timestamptz not null,
    created_by text,  -- who made it, for people; null: not said
    expires_at timestamptz,  -- works until then, since it was rotated; null: until it is revoked
    revoked_at timestamptz,
    constraint api_keys_hash_unique unique (key_hash),
    constraint api_keys_kind_known check (kind in ('SECRET', 'PUBLIC')),
    constraint api_keys_public_in_clear check ((kind = 'PUBLIC') = (public_key is not null)),
    constraint api_keys_secret_signs check ((kind = 'SECRET') = (signing_secret is not null))
);
comment on table perdure.api_keys is 'API keys by hash; the keys themselves are not kept.';
-- Serves get_signing_secrets and every claim.
create index api_keys_environment_idx on perdure.api_keys (environment_id) where revoked_at is null;

-- external_accounts: the app's own end users, by the app's own ids. Written only by _upsert_external_account.
create table perdure.external_accounts (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    identifier text not null,  -- the app's id of its end user
    metadata json not null default '{}',
    created_at timestamptz not null,
    constraint external_accounts_identifier_unique unique (environment_id, identifier)
);
comment on table perdure.external_accounts is 'End users of the apps.';

-- concurrency_limits: how many executions may be in flight at once, per job version, group of jobs or environment. The
-- row is also the lock under which leases are counted. Written only by sql/functions/concurrency/.
create table perdure.concurrency_limits (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    kind text not null,
    name text not null,  -- JOB: id@version, or the id where a person set it; GROUP: its id; ENVIRONMENT: empty
    max_executions integer not null,
    updated_at timestamptz not null,
    constraint concurrency_limits_name_unique unique (environment_id, kind, name),
    constraint concurrency_limits_kind_known check (kind in ('JOB', 'GROUP', 'ENVIRONMENT')),
    constraint concurrency_limits_positive check (max_executions > 0)
);
comment on table perdure.concurrency_limits is 'How many executions may be in flight at once.';

-- integrations: services that jobs use with an account whose token the platform holds (HOSTED), or the app (LOCAL), or
-- the app finds (RESOLVER). Written only by _upsert_integrations.
create table perdure.integrations (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    slug text not null,  -- IntegrationConfig.id
    service text not null,  -- IntegrationConfig.metadata.id: 'slack', whatever the app calls its account there
    title text not null,
    auth_source text not null,
    setup_status text not null,  -- MISSING_FIELDS: a person must finish it
    scopes text[] not null default '{}',
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint integrations_slug_unique unique (environment_id, slug),
    constraint integrations_auth_source_known check (auth_source in ('HOSTED', 'LOCAL', 'RESOLVER')),
    constraint integrations_setup_status_known check (setup_status in ('COMPLETE', 'MISSING_FIELDS'))
);
comment on table perdure.integrations is 'Services that jobs use.';

-- connections: accounts at services, with the token encrypted by the server: the developer's own, or one of the app's
-- end user's. Written only by sql/functions/connections/.
create table perdure.connections (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    integration_id uuid not null references perdure.integrations (id),
    external_account_id uuid references perdure.external_accounts (id),  -- null: the developer's
    auth_type text not null,
    sealed_token text not null,  -- encrypted outside of Postgres (ADR 0009)
    scopes text[] not null default '{}',
    additional_fields json,
    metadata json,
    expires_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint connections_auth_type_known check (auth_type in ('oauth2', 'apiKey'))
);
comment on table perdure.connections is 'Accounts at services, tokens encrypted.';
-- One for each end user, and one for the developer.
create unique index connections_owner_key on perdure.connections (
    integration_id, coalesce(external_account_id, '00000000-0000-0000-0000-000000000000')
);

-- missing_connections: connections that runs wait for. Written only by sql/functions/connections/.
create table perdure.missing_connections (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    integration_id uuid not null references perdure.integrations (id),
    external_account_id uuid references perdure.external_accounts (id),  -- null: the developer's
    created_at timestamptz not null,
    resolved_at timestamptz
);
comment on table perdure.missing_connections is 'Connections that runs wait for.';
create unique index missing_connections_open_key on perdure.missing_connections (
    integration_id, coalesce(external_account_id, '00000000-0000-0000-0000-000000000000')
) where resolved_at is null;

-- missing_connection_runs: which runs wait for a missing connection. Written only by sql/functions/connections/.
create table perdure.missing_connection_runs (
    missing_connection_id uuid not null references perdure.missing_connections (id) on delete cascade,
    run_id uuid not null,
    primary key (missing_connection_id, run_id)
);
comment on table perdure.missing_connection_runs is 'Runs that wait for a connection.';
create index missing_connection_runs_run_idx on perdure.missing_connection_runs (run_id);

-- endpoints: the apps that the platform calls: at a URL, or over a connection that the app holds. Written only by
-- sql/functions/endpoints/, sql/functions/connected/ and by apply_results and apply_delivery_results, which learn how
-- long the host lets a function live.
create table perdure.endpoints (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    slug text not null,  -- the app's id
    url text not null,
    timeout_ms integer not null default 60000,  -- for one whole request; a lease lasts this long and a margin
    execution_limit_ms integer not null default 60000,  -- how long the host lets a function live, as far as known
    sdk_name text,  -- 'perdure', 'trigger', null: not indexed yet
    sdk_version text,
    api_key_id uuid,  -- the key to send in clear, for the v2 JavaScript SDK; null: requests are signed only
    connected boolean not null default false,  -- the app fetches what it is to do over a connection; url is a name
    enabled boolean not null default true,  -- false: failed to be indexed too often in a row; registering it mends that
    failed_index_count integer not null default 0,  -- readings in a row that failed
    indexing_hook_id text not null,  -- secret part of the deploy hook's URL
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint endpoints_environment_slug_unique unique (environment_id, slug),
    constraint endpoints_timeout_in_range check (timeout_ms between 1000 and 3600000),
    constraint endpoints_limit_in_range check (execution_limit_ms between 10000 and 3600000)
);
comment on table perdure.endpoints is 'URLs of the apps that run jobs.';
-- So that the queue need not be told apart as long as no app is connected.
create index endpoints_connected_idx on perdure.endpoints (id) where connected;

-- endpoint_indexes: each reading of an endpoint's jobs, with what came of it. Written only by
-- sql/functions/endpoints/.
create table perdure.endpoint_indexes (
    id uuid primary key,
    endpoint_id uuid not null references perdure.endpoints (id) on delete cascade,
    status text not null,
    cause text not null,  -- who wanted it
    reason text,  -- said by who wanted it
    data json,  -- as reason
    stats json,
    error json,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint endpoint_indexes_cause_known check (cause in ('API', 'CONNECT', 'HOOK', 'SCHEDULE', 'SQL')),
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

-- dynamic_triggers: triggers that the app declares and attaches events or schedules to at run time, any number of
-- each. Written only by index_endpoint.
create table perdure.dynamic_triggers (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    endpoint_id uuid not null references perdure.endpoints (id),
    slug text not null,
    kind text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint dynamic_triggers_slug_unique unique (environment_id, slug),
    constraint dynamic_triggers_kind_known check (kind in ('EVENT', 'SCHEDULE'))
);
comment on table perdure.dynamic_triggers is 'Triggers whose events or schedules are attached at run time.';

-- dynamic_trigger_jobs: the jobs that a dynamic trigger starts. Written only by index_endpoint.
create table perdure.dynamic_trigger_jobs (
    dynamic_trigger_id uuid not null references perdure.dynamic_triggers (id) on delete cascade,
    job_id uuid not null references perdure.jobs (id),
    primary key (dynamic_trigger_id, job_id)
);
comment on table perdure.dynamic_trigger_jobs is 'The jobs that a dynamic trigger starts.';

-- schedules: what fires at an interval or by a cron expression: a job's own, or one attached to a dynamic trigger at
-- run time. due_at is the next fire. Written only by sql/functions/schedules/ and set_schedules_enabled.
create table perdure.schedules (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    job_id uuid references perdure.jobs (id),
    dynamic_trigger_id uuid references perdure.dynamic_triggers (id),
    key text not null,  -- the job's slug, or the registration's key
    type text not null,
    seconds integer,
    cron text,
    time_zone text not null default 'UTC',
    external_account_id uuid,
    metadata json,
    active boolean not null,
    paused_at timestamptz,  -- somebody wants it not to fire; null: nobody does
    due_at timestamptz,  -- null: does not fire
    last_fired_at timestamptz,
    problem text,  -- why the engine switched it off; null: it did not
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint schedules_job_unique unique (environment_id, job_id),
    constraint schedules_dynamic_unique unique (dynamic_trigger_id, key),
    constraint schedules_one_target check (num_nonnulls(job_id, dynamic_trigger_id) = 1),
    constraint schedules_type_known check (type in ('interval', 'cron')),
    constraint schedules_interval_complete check (
        (type = 'interval') = (seconds is not null) and seconds between 20 and 2592000
    ),
    constraint schedules_cron_complete check ((type = 'cron') = (cron is not null)),
    constraint schedules_due_only_while_active check (due_at is null or active),
    constraint schedules_not_due_while_paused check (due_at is null or paused_at is null),
    constraint schedules_problem_only_when_off check (problem is null or not active)
);
comment on table perdure.schedules is 'What fires at an interval or by a cron expression.';
-- Serves promote_due.
create index schedules_due_idx on perdure.schedules (due_at, id) where due_at is not null;
-- Serves lists of an environment's schedules, newest first.
create index schedules_environment_idx on perdure.schedules (environment_id, id);

-- pauses: what is not executed until somebody says so: a job in an environment, a queue (the jobs that share a
-- concurrency limit), an environment, or everything. Few rows: each claim looks through them. Whoever keeps a run back
-- for one holds it locked, so that it cannot end meanwhile. Written only by sql/functions/pauses/.
create table perdure.pauses (
    id uuid primary key,
    environment_id uuid references perdure.environments (id),  -- null: everything
    job_id uuid references perdure.jobs (id),  -- null: not one job
    concurrency_limit_id uuid references perdure.concurrency_limits (id),  -- of the queue; null: not a queue
    paused_by text,  -- who, for people; null: not said
    reason text,  -- why, for people; null: not said
    paused_at timestamptz not null,
    constraint pauses_one_scope check (
        num_nonnulls(job_id, concurrency_limit_id) <= case when environment_id is null then 0 else 1 end
    )
);
comment on table perdure.pauses is 'What is not executed for now.';
create unique index pauses_scope_key on perdure.pauses (
    coalesce(environment_id, '00000000-0000-0000-0000-000000000000'),
    coalesce(job_id, concurrency_limit_id, '00000000-0000-0000-0000-000000000000')
);

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

-- plain_start: what a run begins with whose subscription asks for no closer look. Tells what other tables say, so that
-- an event need not look it up in nine of them.
create type perdure.plain_start as (
    job_id uuid,
    job_version_id uuid,
    endpoint_id uuid,
    payload_filter jsonb,  -- with context_filter: the subscription's
    context_filter jsonb,
    members text  -- of EXECUTE_JOB, of job and environment: _job_members
);
comment on type perdure.plain_start is 'What a run begins with that asks for no closer look.';

-- event_dispatcher_names: event_dispatchers.event_names, a row a name, so that events find their
-- subscriptions by index however many jobs an environment has. Written as those are.
create table perdure.event_dispatcher_names (
    environment_id uuid not null,
    event_name text not null,
    source text not null,
    event_dispatcher_id uuid not null references perdure.event_dispatchers (id) on delete cascade,
    plain_start perdure.plain_start,  -- null: a closer look is needed. Written only by _refresh_plain_starts
    primary key (environment_id, event_name, source, event_dispatcher_id)
);
comment on table perdure.event_dispatcher_names is 'The names each subscription listens to, for look-up.';
create index event_dispatcher_names_dispatcher_idx on perdure.event_dispatcher_names (event_dispatcher_id);

-- events: what happened, with its payload. An event that is delivered at once is inserted and never updated.
-- Documents are json, not jsonb: the text is kept as it came, \u0000 and key order included.
-- No foreign keys on the hot tables (events, runs, tasks and what hangs on them): ADR 0005.
-- Written only by sql/functions/events/.

-- Checks of one column are domains, as in runs.
create domain perdure.event_payload_type as text constraint events_payload_type_known check (
    value in ('JSON', 'REQUEST')
);
comment on domain perdure.event_payload_type is 'What the payload of an event is.';

create domain perdure.event_due_at as timestamptz constraint events_due_at_finite check (isfinite(value));
comment on domain perdure.event_due_at is 'When an event is due.';

create table perdure.events (
    id uuid primary key,
    environment_id uuid not null,
    event_id text not null,  -- the sender's id; makes sending idempotent
    name text not null,
    source text not null,
    payload json not null,
    payload_type perdure.event_payload_type not null,
    context json not null,
    external_account_id uuid,  -- the app's end user whom it is about
    dynamic_source_key text,  -- the source of a dynamic trigger that brought it
    source_context json,  -- {id, metadata} of the dynamic source or schedule that sent it
    run_tags text[],  -- tags of the runs that it starts; null: none
    run_metadata jsonb,  -- metadata of these runs; null: none
    is_test boolean not null,
    happened_at timestamptz not null,
    deliver_at timestamptz not null,
    due_at perdure.event_due_at,  -- set while delivery lies ahead
    delivered_at timestamptz,
    cancelled_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint events_event_id_unique unique (environment_id, event_id),
    constraint events_due_until_delivered check (
        (due_at is null) = (delivered_at is not null or cancelled_at is not null)
    )
);
comment on table perdure.events is 'Events with their payloads.';
-- Serves promote_due: oldest due event first.
create index events_due_idx on perdure.events (due_at, id) where due_at is not null;
-- Serves waits of runs for events that were there before them: oldest first.
create index events_name_idx on perdure.events (environment_id, name, delivered_at);

-- event_message: an event as a call states it, by the names of the wire: read by json_populate_record. Not stored. What
-- may be misspelt is text until that has been looked at.
create type perdure.event_message as (
    id text,
    name text,
    payload json,
    context json,
    source text,
    "timestamp" text,
    "payloadType" text,
    "isTest" text,
    "sourceContext" json,
    "dynamicSourceKey" text
);
comment on type perdure.event_message is 'An event as a call states it.';

-- event_replays: events that happened once more because somebody wanted it. Insert only, by replay_event.
create table perdure.event_replays (
    event_id uuid primary key,  -- events.id of the new one
    replayed_id uuid not null  -- events.id of the one that it repeats
);
comment on table perdure.event_replays is 'Events that repeat others.';
-- Serves the page of an event: how often it was repeated.
create index event_replays_replayed_idx on perdure.event_replays (replayed_id, event_id);

-- runs: one execution of a job for one event in one environment. Legal changes of status: _run_may_become.
-- Of one that succeeds at its first try this row tells the EXECUTE_JOB request, too (71_executions.sql).
-- Updated at every claim and every reply, so it carries no payload and no index on a column that changes at each step:
-- these updates stay HOT. Pages are left two thirds empty for that: a claim and a reply soon after it may change every
-- row of a page while nothing can be removed from it yet.
-- Written only by sql/functions/runs/ and, when they begin, by _start_runs, _store_events and _begin_event.

-- Checks of one column are domains: Postgres keeps them ready, while it reads and plans the checks of a table anew in
-- each statement.
create domain perdure.run_status as text constraint runs_status_known check (
    value in (
        'PENDING', 'WAITING_ON_CONNECTIONS', 'QUEUED', 'EXECUTING', 'WAITING_TO_CONTINUE', 'WAITING_TO_EXECUTE',
        'PREPROCESSING', 'STARTED', 'SUCCESS', 'FAILURE', 'TIMED_OUT', 'ABORTED', 'CANCELED', 'UNRESOLVED_AUTH',
        'INVALID_PAYLOAD'
    )
);
comment on domain perdure.run_status is 'How a run stands.';

create domain perdure.run_due_at as timestamptz constraint runs_due_at_finite check (isfinite(value));
comment on domain perdure.run_due_at is 'When a run is due.';

create table perdure.runs (
    id uuid primary key,
    environment_id uuid not null,
    job_id uuid not null,
    job_version_id uuid not null,
    endpoint_id uuid not null,
    event_id uuid not null,  -- events.id
    created_at timestamptz not null,
    timeout_at timestamptz,  -- ends TIMED_OUT when it has not ended by then; null: has ended, or has no time limit
    failure_count integer not null default 0,  -- executions that got no answer, the last ones in a row
    idle_count integer not null default 0,  -- executions that brought nothing, the last ones in a row
    is_test boolean not null,
    dispatcher text,  -- who executes it, or did last; null: nobody yet. Changes at a claim, and not at the reply
    status perdure.run_status not null,  -- an update logs all from the first change, mostly here, to the last
    lease_number integer not null default 0,  -- raised by each claim; who says another number is late
    execution_count integer not null default 0,  -- EXECUTE_JOB requests that ended, however
    http_status smallint,  -- of the answer, where the first try was a success; else, or without HTTP, null
    duration_ms bigint not null default 0,  -- wall time of all executions, and of what the platform requested for tasks
    yielded_keys text[],  -- keys of io.yield() already taken; null: none
    properties json,  -- shown to people; from PREPROCESS_RUN
    output json,  -- result, or the error of a failed run; null and no completed_at: none yet
    due_at perdure.run_due_at,  -- WAITING_TO_EXECUTE not before this instant (backoff); null: now
    started_at timestamptz,
    completed_at timestamptz,
    updated_at timestamptz not null,
    -- The beginnings of the statuses of runs that have not ended: short to read.
    constraint runs_completed_at_matches_status check (
        (completed_at is null) = (position(left(status, 2) in 'PE WA QU EX PR ST') > 0)
    ),
    constraint runs_timeout_only_while_open check (timeout_at is null or completed_at is null)
) with (fillfactor = 33);
comment on table perdure.runs is 'Runs of jobs.';
-- Serve list_runs and the views: newest first.
create index runs_environment_idx on perdure.runs (environment_id, id);
create index runs_job_idx on perdure.runs (job_id, id);
create index runs_event_idx on perdure.runs (event_id);
-- Serves promote_due: oldest due backoff first.
create index runs_due_idx on perdure.runs (due_at, id) where due_at is not null;
-- Serves promote_due: the run whose time ends first. Set when the run is created, so updates stay HOT.
create index runs_timeout_idx on perdure.runs (timeout_at, id) where timeout_at is not null;

-- run_tags: short texts by which people find runs. A run without tags has no row. Written only by
-- sql/functions/metadata/. A row lives as long as its run.
create table perdure.run_tags (
    run_id uuid not null,
    tag text not null,
    environment_id uuid not null,  -- the run's
    primary key (run_id, tag),
    constraint run_tags_tag_fits check (char_length(tag) between 1 and 200)
);
comment on table perdure.run_tags is 'Short texts by which people find runs.';
-- Serves list_runs by tag: newest first.
create unique index run_tags_search_idx on perdure.run_tags (environment_id, tag, run_id);

-- run_metadata: what an app wants to be read of a run besides its output. A run has a row from the first change of
-- its metadata or tags on; whoever changes them holds it locked. Apart from runs, whose updates stay small.
-- Written only by sql/functions/metadata/.
create table perdure.run_metadata (
    run_id uuid primary key,
    metadata jsonb not null,
    constraint run_metadata_is_object check (jsonb_typeof(metadata) = 'object'),
    constraint run_metadata_fits check (octet_length(metadata::text) <= 65536)
);
comment on table perdure.run_metadata is 'What apps want to be read of runs.';

-- run_failures: the runs that ended without success, and why: a row each, as long as the run stands like that. A run
-- that is cancelled has not failed; one that is continued has not ended, and its row goes. Kept apart from runs, so
-- that whoever looks for failures reads few rows and runs that succeed cost nothing. Written only by
-- _record_failures; deleted by continue_run.
create table perdure.run_failures (
    run_id uuid primary key,
    environment_id uuid not null,
    job_id uuid not null,
    fingerprint uuid not null,  -- failures that look alike have the same: _failure_fingerprint
    task_id uuid,  -- the task whose error it is; null: no task's
    failed_at timestamptz not null,
    status text not null,
    error_name text,  -- the kind of error, as the app names it: ValueError; null: the app told of none
    message text not null,  -- at most 500 characters
    task_key text,  -- what the app calls that task
    constraint run_failures_status_known check (
        status in ('FAILURE', 'TIMED_OUT', 'ABORTED', 'INVALID_PAYLOAD', 'UNRESOLVED_AUTH')
    )
);
comment on table perdure.run_failures is 'Runs that ended without success, and why.';
-- Serve what lists failures: newest run first, all of an environment, those with a status, those that look alike.
create index run_failures_environment_idx on perdure.run_failures (environment_id, run_id);
create index run_failures_status_idx on perdure.run_failures (environment_id, status, run_id);
create index run_failures_fingerprint_idx on perdure.run_failures (environment_id, fingerprint, run_id)
include (failed_at);

-- run_tokens: secrets by which a browser reads one run. Few runs have one. Written only by create_run_token.
create table perdure.run_tokens (
    token_hash bytea primary key,  -- sha256 of the token
    run_id uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
comment on table perdure.run_tokens is 'Secrets by which a browser reads one run.';
-- Serves create_run_token, which forgets those that have expired.
create index run_tokens_expires_idx on perdure.run_tokens (expires_at);

-- run_filter: which runs of an environment are looked for, made by _run_filter. Not stored.
create type perdure.run_filter as (
    environment_id uuid,
    hidden_job_ids uuid [],  -- the internal jobs of its project: their runs are in no list
    run_ids uuid [],  -- only these; null: any
    from_id uuid,  -- this id and later ones
    to_id uuid,  -- earlier ids than this one
    statuses text [],  -- null: any
    job_id uuid,  -- null: any
    job_version_ids uuid [],  -- null: any
    fingerprint uuid,  -- of how it failed; null: any
    tags text [],  -- all of these; null: any
    is_test boolean,  -- null: either
    patterns text []  -- for ilike: the payload of the event matches one; null: any
);
comment on type perdure.run_filter is 'Which runs are looked for.';

-- tasks: one durable step of a run. The same (run_id, idempotency_key) always means the same row.
-- Legal changes of status: _task_may_become. Written only by sql/functions/tasks/, runs/,
-- operations/ and effects/.
-- Single columns are checked by domains: Postgres keeps the check of a domain ready for the next statement, while it
-- reads and plans the checks of a table anew in each, which cost as much as the insert itself (ADR 0019).
create domain perdure.task_status as text constraint tasks_status_known check (
    value in ('PENDING', 'WAITING', 'RUNNING', 'COMPLETED', 'ERRORED', 'CANCELED')
);
comment on domain perdure.task_status is 'How a task stands.';

create domain perdure.task_operation as text constraint tasks_operation_known check (
    value in ('fetch', 'fetch-response', 'fetch-poll')
);
comment on domain perdure.task_operation is 'What the platform itself performs for a task.';

create domain perdure.child_execution_mode as text constraint tasks_child_execution_mode_known check (
    value in ('SEQUENTIAL', 'PARALLEL')
);
comment on domain perdure.child_execution_mode is 'How what lies in a task is executed.';

create domain perdure.task_due_at as timestamptz constraint tasks_due_at_finite check (isfinite(value));
comment on domain perdure.task_due_at is 'When a task is due.';

create table perdure.tasks (
    id uuid primary key,
    run_id uuid not null,
    idempotency_key text collate "C" not null,  -- compared by its bytes, which is faster and the same everywhere
    display_key text,
    parent_id uuid,  -- the enclosing task
    status perdure.task_status not null,
    noop boolean not null,  -- true: a pure wait or a log line, nothing to execute after it
    name text not null,
    icon text,
    description text,
    params json,
    properties json,
    output_properties json,
    style json,
    connection_key text,
    redact json,  -- paths of the output that are not to be shown
    operation perdure.task_operation,  -- what the platform itself performs: fetch, fetch-response, fetch-poll
    effect text,  -- what storing it brought about: sendEvents, invoke, waitForEvent; another made it ERRORED
    child_execution_mode perdure.child_execution_mode not null default 'SEQUENTIAL',
    attempt_count integer not null default 1,  -- including the current one
    output json,  -- result or error; null and COMPLETED: the task returned nothing (not even JSON null)
    delay_until timestamptz,  -- not before this instant; null: no delay
    due_at perdure.task_due_at,  -- set while WAITING for an instant: the end of a wait, of a delay, of patience
    callback_url text,  -- somebody outside is to end it by a POST there; null: nobody
    callback_timeout_at timestamptz,  -- until when that is waited for; null: for ever
    started_at timestamptz not null,
    completed_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint tasks_run_key_unique unique (run_id, idempotency_key),
    -- The statuses of a task that has ended are the ones before F: short to write, and so cheap to read.
    constraint tasks_completed_at_matches_status check ((completed_at is null) = (status > 'F')),
    constraint tasks_due_only_while_waiting check (due_at is null or status > 'V')  -- WAITING
);
comment on table perdure.tasks is 'Durable steps of runs, each with its stored result.';
-- Serves promote_due: oldest due wait first. Not by status: a task that runs without waiting never enters it.
create index tasks_due_idx on perdure.tasks (due_at, id) where due_at is not null;

-- task_attempts: the tries of a task that failed and were followed by another. The current try is the task
-- row itself (attempt_count), so a task that succeeds at once costs one row; perdure_views.attempts shows
-- both. Insert only. Written only by apply_results,
-- continue_run and sql/functions/operations/.
create table perdure.task_attempts (
    task_id uuid not null,
    number integer not null,  -- from 1
    error json not null,
    ended_at timestamptz not null,
    next_at timestamptz not null,  -- when the following try was due
    primary key (task_id, number)
);
comment on table perdure.task_attempts is 'Failed tries of tasks that were tried again.';

-- task_record: a task as a call states it, by the names of the wire: read by json_populate_record. Not stored. What the
-- user wrote is read from the text instead, where a JSON null or the way in which a text is written matters.
create type perdure.task_record as (
    "idempotencyKey" text,
    "displayKey" text,
    "parentId" uuid,
    "parentKey" text,
    status text,
    noop boolean,
    name text,
    icon text,
    description text,
    params json,
    properties json,
    "outputProperties" json,
    style json,
    "connectionKey" text,
    operation text,
    parallel boolean,
    "delayUntil" timestamptz,
    "delaySeconds" double precision,
    "startedAt" timestamptz,
    callback json,
    redact json,
    effect json
);
comment on type perdure.task_record is 'A task as a call states it.';

-- task_message: a call about a task as it comes, by the names of the wire: read by json_populate_recordset. Not stored.
create type perdure.task_message as (
    "environmentId" uuid,
    "runId" uuid,
    "taskId" uuid,
    "leaseNumber" integer,  -- null: the caller does not know leases
    task json  -- a task_record
);
comment on type perdure.task_message is 'A call about a task as it comes.';

-- task_call: one call inside upsert_tasks and finish_tasks, parsed. Not stored.
create type perdure.task_call as (
    ordinal integer,  -- its place in the batch, from 1
    environment_id uuid,
    run_id uuid,
    task_id uuid,
    new_id uuid,  -- of the task if it is new; ascending by ordinal; null: the call is about a task by its id
    lease_number integer,
    body json,  -- what is to be stored
    task perdure.task_record,  -- the same, parsed
    canceled boolean,  -- the run has ended: what is new there is CANCELED
    error_code text  -- why it may not write: _task_call_problem says it in words; null: it may
);
comment on type perdure.task_call is 'One call about a task inside a batch.';

-- task_answer: what a call of upsert_tasks gets. Not stored.
create type perdure.task_answer as (
    error_code text,  -- null: it has been carried out
    error_message text,
    response json  -- the task
);
comment on type perdure.task_answer is 'What a call about a task gets.';

-- taken_events: the events that have ended waits of a run: each ends one of them at most. Inserted by whoever has
-- locked the run. Written only by sql/functions/effects/ and _close_runs. A row goes when its run has succeeded: one
-- that ended otherwise may be continued, and wait again.
create table perdure.taken_events (
    run_id uuid not null,
    event_id uuid not null,  -- events.id
    task_id uuid not null,
    primary key (run_id, event_id)
);
comment on table perdure.taken_events is 'Events that have ended waits of runs.';

-- event_look_ups: waits for events for which stored events are to be looked through again: one that was being sent when
-- the wait was stored saw no wait, and was not seen by it. A row goes when every transaction that may hold such an
-- event has finished, or the wait has ended. Written only by sql/functions/effects/ and _send_to_dispatchers.
create table perdure.event_look_ups (
    id uuid primary key,
    task_id uuid not null,  -- not unique: senders must not wait for each other
    run_id uuid not null,
    horizon xid8,  -- a transaction that began before it may hold an event not yet seen; null: not looked through yet
    due_at timestamptz not null,
    created_at timestamptz not null
);
comment on table perdure.event_look_ups is 'Waits for which stored events are to be looked through again.';
-- Serves promote_due: oldest due first.
create index event_look_ups_due_idx on perdure.event_look_ups (due_at, id);

-- run_statuses: what a run tells people of its progress, by key. Written only by set_run_status.
create table perdure.run_statuses (
    run_id uuid not null,
    key text not null,
    label text not null,
    state text,
    data json,
    history json not null default '[]',  -- what it was before, oldest first: {label, state?, data?}
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (run_id, key),
    constraint run_statuses_state_known check (state in ('loading', 'success', 'failure'))
);
comment on table perdure.run_statuses is 'What runs tell people of their progress.';

-- run_subscriptions: who wants to know how a run ends: the app's endpoint, or a URL. Written only by apply_results and
-- invoke_job.
create table perdure.run_subscriptions (
    run_id uuid not null,
    url text not null,  -- empty: the app's endpoint
    on_success boolean not null,
    on_failure boolean not null,
    primary key (run_id, url)
);
comment on table perdure.run_subscriptions is 'Who wants to know how runs end.';

-- store_items: the key-value store of an environment; its jobs and runs have parts of it by prefix. Written only by
-- sql/functions/store/.
create table perdure.store_items (
    environment_id uuid not null,
    key text not null,
    value text not null,  -- JSON text, as it came
    updated_at timestamptz not null,
    primary key (environment_id, key),
    constraint store_items_value_fits check (octet_length(value) <= 262144)
);
comment on table perdure.store_items is 'The key-value store of environments.';

-- claimed_run: a run that a dispatcher has claimed, as claim_runs returns it. Not stored.
create type perdure.claimed_run as (
    run_id uuid,
    lease_number integer,
    endpoint_id uuid,
    url text,
    timeout_ms integer,
    signing_secrets bytea [],
    sealed_api_key text,
    sealed_connections json,
    body text  -- JSON, which nobody is to check again
);
comment on type perdure.claimed_run is 'A run that a dispatcher has claimed.';

-- sent_events: what _store_events or _begin_event has stored, and what it has begun. Not stored.
create type perdure.sent_events as (
    answers text [],  -- each event as stored, JSON, in the order given
    left_ids uuid [],  -- events.id of those that have yet to be delivered; null: none
    claims perdure.claimed_run [],  -- in the order of their events; null: none
    number bigint  -- of events that were stored, new or changed
);
comment on type perdure.sent_events is 'What events were stored, and what has begun.';

-- leases: a row for each execution in flight, from claim to reply; whose it is, the run says. A lease that expires
-- means that the dispatcher or the endpoint died. Small and short-lived, so promote_due may look through it for expired
-- ones without an index on expires_at. Written only by sql/functions/runs/,
-- _store_events and _begin_event.
create table perdure.leases (
    run_id uuid primary key,
    claimed_at timestamptz not null,
    expires_at timestamptz not null,
    lease_number integer not null,
    concurrency_limit_ids uuid[]  -- the limits that this execution counts against; null: none
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
comment on table perdure.leases is 'Executions in flight.';

-- executions: the history of EXECUTE_JOB requests, one row each, written when it ends. Insert only. A run that succeeds
-- at its first try, as most do, has no row here where its row in runs tells the same: started_at, completed_at,
-- duration_ms, http_status, dispatcher. perdure_views.executions shows both.
-- Written only by apply_results.

-- A check of one column is a domain, as in runs.
create domain perdure.execution_verdict as text constraint executions_verdict_known check (
    value in (
        'REPLY', 'UNREACHABLE', 'REFUSED', 'FUNCTION_TIMEOUT', 'MALFORMED', 'LEASE_EXPIRED', 'RUN_TIMED_OUT'
    )
);
comment on domain perdure.execution_verdict is 'What became of an EXECUTE_JOB request.';

create table perdure.executions (
    run_id uuid not null,
    claimed_at timestamptz not null,
    ended_at timestamptz not null,
    lease_number integer not null,  -- which claim of the run
    duration_ms integer not null,  -- of the HTTP exchange, as the dispatcher measured it
    http_status integer,
    dispatcher text not null,
    verdict perdure.execution_verdict not null,  -- what became of the request
    reply_status text,  -- status in the endpoint's reply, e.g. RESUME_WITH_TASK
    message text,
    primary key (run_id, lease_number)
);
comment on table perdure.executions is 'History of EXECUTE_JOB requests, but for what runs tell.';

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

-- blocked_runs: ready runs that are not to be executed now: a concurrency limit is reached, or a pause stops them; not
-- in the queue. Written only by sql/functions/concurrency/ and sql/functions/pauses/.
create table perdure.blocked_runs (
    run_id uuid primary key,
    resumed boolean not null,  -- begun before: goes first
    concurrency_limit_id uuid,  -- the limit that was reached; null: none
    pause_id uuid,  -- what stops it; null: nothing
    constraint blocked_runs_one_reason check (num_nonnulls(concurrency_limit_id, pause_id) = 1)
);
comment on table perdure.blocked_runs is 'Ready runs that are kept back.';
-- Serves _unblock_runs: who goes next.
create index blocked_runs_limit_idx on perdure.blocked_runs (concurrency_limit_id, resumed desc, run_id)
where concurrency_limit_id is not null;
create index blocked_runs_pause_idx on perdure.blocked_runs (pause_id) where pause_id is not null;

-- deliveries: requests that the platform is to send until they are answered, other than executions: to an app's
-- endpoint or to a URL outside. due_at is also the lease: a claim moves it past the timeout. What a request looks
-- like, and what its answer means, is decided by kind: _delivery_request, _apply_delivery. Written only by
-- sql/functions/deliveries/.
create table perdure.deliveries (
    id uuid primary key,
    environment_id uuid not null,
    kind text not null,
    subject_id uuid not null,  -- what it is about: the id of a source, webhook, run, subscription, task, reading
    endpoint_id uuid,  -- whose endpoint is called; null: url
    connected boolean not null default false,  -- that endpoint's app fetches it: tg_deliveries__set_connected
    url text,
    status text not null,
    request json,  -- SOURCE_REQUEST, WEBHOOK_REQUEST: {url, method, headers} of what came in; else what to send
    body bytea,  -- raw body of what came in
    attempt_count integer not null default 0,  -- also the number of the current claim
    due_at timestamptz,
    leased boolean not null default false,  -- the current claim is not answered yet
    response json,  -- what was answered, as far as people want to see it
    message text,  -- why the last attempt failed
    http_status integer,  -- of the last answer; null: none came yet, or no HTTP answer
    duration_ms integer,  -- of the last attempt that ended
    redelivered_id uuid,  -- the delivery that this one repeats, because somebody wanted it
    created_at timestamptz not null,
    completed_at timestamptz,
    constraint deliveries_kind_known check (
        kind in (
            'SOURCE_REQUEST', 'WEBHOOK_REQUEST', 'RUN_NOTIFICATION', 'RUN_WEBHOOK', 'EVENT', 'FETCH', 'INDEX', 'PROBE',
            'PREPROCESS'
        )
    ),
    constraint deliveries_status_known check (status in ('PENDING', 'DELIVERED', 'FAILED')),
    constraint deliveries_one_receiver check (num_nonnulls(endpoint_id, url) = 1),
    constraint deliveries_due_while_pending check ((due_at is not null) = (status = 'PENDING')),
    constraint deliveries_completed_at_matches_status check ((completed_at is null) = (status = 'PENDING'))
);
comment on table perdure.deliveries is 'Requests that are sent until they are answered.';
create index deliveries_due_idx on perdure.deliveries (due_at, id) where due_at is not null and not connected;
-- Those of an app that is away may be many, and wait for it.
create index deliveries_connected_idx on perdure.deliveries (endpoint_id, due_at)
where due_at is not null and connected;
create index deliveries_subject_idx on perdure.deliveries (subject_id, id);

-- delivery_request: what a dispatcher is to send for a delivery, as the function of its kind says. Not stored.
create type perdure.delivery_request as (
    url text,
    action text,  -- x-trigger-action of a request to an app's endpoint; null: the receiver is outside
    method text,
    headers json,  -- object of texts, without those of the protocol and of the signature; null: none
    body bytea,  -- null: none
    timeout_ms integer,  -- for the whole exchange
    signing_secrets bytea [],  -- sign the request with each; null: it is not signed
    sealed_api_key text  -- the environment's key as keep_sealed_key got it; null: not needed, or not kept
);
comment on type perdure.delivery_request is 'What a dispatcher is to send for a delivery.';

-- delivery_effect: what the answer to a delivery means, as the function of its kind says. All null: it is settled. Not
-- stored.
create type perdure.delivery_effect as (
    problem text,  -- why it failed; tried again as long as there are attempts left
    again_at timestamptz,  -- with or without a problem: to be sent again then, as often as the kind wants it
    response json  -- to keep with the delivery, for people
);
comment on type perdure.delivery_effect is 'What the answer to a delivery means.';

-- delivery_events: which events a source's handler made of what a provider sent. Insert only, by
-- _apply_source_request. The same event may have come with several deliveries: it was stored with the first.
create table perdure.delivery_events (
    delivery_id uuid not null,
    event_id uuid not null,  -- events.id
    primary key (delivery_id, event_id)
);
comment on table perdure.delivery_events is 'Which events came of what a provider sent.';
-- Serves the page of an event: where it came from.
create index delivery_events_event_idx on perdure.delivery_events (event_id, delivery_id);

-- sources: what brings events in from outside, such as a webhook at GitHub. It registers itself: while not
-- active or with options missing, the app's internal job is asked to register it. Written only by
-- sql/functions/sources/, dynamic_triggers/ and deliveries/.
create table perdure.sources (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    endpoint_id uuid not null references perdure.endpoints (id),
    dynamic_trigger_id uuid references perdure.dynamic_triggers (id),  -- null: declared by the app
    external_account_id uuid,  -- its events are about this end user
    key text not null,
    channel text not null,
    integration json not null,  -- IntegrationConfig
    params json not null,
    secret text not null,  -- shared with the provider, signs its requests
    data json,  -- what the registration wants to remember, e.g. the webhook's id
    metadata json,  -- what the handler wants to remember between requests
    active boolean not null default false,
    registration_event_id uuid,  -- events.id: the last time that it was to be registered
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

-- http_endpoints: public URLs that feed jobs with raw requests. Written only by index_endpoint.
create table perdure.http_endpoints (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    endpoint_id uuid not null references perdure.endpoints (id),
    key text not null,
    title text,
    source text not null,  -- of the events that its requests become
    enabled boolean not null,
    immediate_response_filter jsonb,  -- RequestFilter: the app answers these itself; null: none
    skip_triggering_runs boolean not null default false,  -- answered by the app is all
    event_spec json not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint http_endpoints_key_unique unique (environment_id, key)
);
comment on table perdure.http_endpoints is 'Public URLs that feed jobs with raw requests.';

-- webhooks: registrations at providers that send to an HTTP endpoint. It registers itself as a source does. Written
-- only by sql/functions/webhooks/ and index_endpoint.
create table perdure.webhooks (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    endpoint_id uuid not null references perdure.endpoints (id),
    http_endpoint_id uuid references perdure.http_endpoints (id),  -- null: the app no longer names the webhook
    key text not null,
    integration json not null,  -- IntegrationConfig
    params json not null,
    desired_config jsonb not null,  -- map: name -> texts, as the app wants it
    current_config jsonb,  -- as registered at the provider; null: never
    secret text not null,
    active boolean not null default false,
    registration_event_id uuid,  -- events.id: the last time that it was to be registered
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint webhooks_key_unique unique (environment_id, key),
    constraint webhooks_http_endpoint_unique unique (http_endpoint_id)
);
comment on table perdure.webhooks is 'Webhooks that register themselves at their provider.';

-- dynamic_trigger_registrations: sources attached to a dynamic trigger at run time. Written only by
-- register_dynamic_trigger.
create table perdure.dynamic_trigger_registrations (
    id uuid primary key,
    dynamic_trigger_id uuid not null references perdure.dynamic_triggers (id),
    key text not null,
    source_id uuid not null references perdure.sources (id),
    event_dispatcher_id uuid not null references perdure.event_dispatchers (id),
    metadata json,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint dynamic_trigger_registrations_key_unique unique (dynamic_trigger_id, key)
);
comment on table perdure.dynamic_trigger_registrations is 'Sources attached to dynamic triggers.';
create index dynamic_trigger_registrations_source_idx on perdure.dynamic_trigger_registrations (source_id);

-- users: people who log in to the dashboard. Written only by create_owner, accept_invitation, log_in_identity,
-- change_password, reset_password and set_user_disabled.
create table perdure.users (
    id uuid primary key,
    email text not null,  -- as the person writes it; found without regard to case
    name text not null,
    password_hash text,  -- argon2id, made and checked outside of Postgres; null: they log in by an identity only
    is_first_owner boolean not null,  -- owner of every organization, for good: there is always one
    created_at timestamptz not null,
    disabled_at timestamptz  -- null: may log in
);
comment on table perdure.users is 'People who log in to the dashboard.';
create unique index users_email_unique on perdure.users (lower(email));
-- There is one first owner, whoever else tries at the same moment.
create unique index users_first_owner_unique on perdure.users (is_first_owner) where is_first_owner;

-- memberships: who belongs to an organization, and what they may do there. The first owner needs none. Written only by
-- accept_invitation, log_in_identity, change_member_role and remove_member.
create table perdure.memberships (
    organization_id uuid not null references perdure.organizations (id),
    user_id uuid not null references perdure.users (id),
    role text not null,
    created_at timestamptz not null,
    primary key (organization_id, user_id),
    constraint memberships_role_known check (role in ('owner', 'admin', 'member', 'viewer'))
);
comment on table perdure.memberships is 'Who belongs to an organization, in which role.';
-- Serves list_organizations and open_session.
create index memberships_user_idx on perdure.memberships (user_id);

-- invitations: links by which somebody becomes a member of an organization. Written only by invite_member,
-- revoke_invitation, accept_invitation and log_in_identity.
create table perdure.invitations (
    id uuid primary key,
    organization_id uuid not null references perdure.organizations (id),
    email text not null,
    role text not null,
    secret_hash bytea not null,  -- sha256 of the secret in the link, which is shown once
    invited_by uuid not null references perdure.users (id),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    closed_at timestamptz,  -- accepted, revoked or replaced by a newer one; null: it can be accepted until it expires
    accepted_by uuid references perdure.users (id),
    constraint invitations_secret_unique unique (secret_hash),
    constraint invitations_role_known check (role in ('owner', 'admin', 'member', 'viewer')),
    constraint invitations_accepted_is_closed check (accepted_by is null or closed_at is not null)
);
comment on table perdure.invitations is 'Links by which somebody becomes a member.';
create unique index invitations_open_unique on perdure.invitations (organization_id, lower(email))
where closed_at is null;

-- sessions: logins that last. Written only by open_session, touch_session, close_session, end_session,
-- end_other_sessions, change_password, reset_password and set_user_disabled.
create table perdure.sessions (
    id uuid primary key,
    user_id uuid not null references perdure.users (id),
    token_hash bytea not null,  -- sha256 of the token in the cookie
    created_at timestamptz not null,
    last_seen_at timestamptz not null,  -- to a minute
    expires_at timestamptz not null,
    revoked_at timestamptz,
    address text,  -- where the login came from; null: not known
    user_agent text,  -- what the browser said of itself then
    constraint sessions_token_unique unique (token_hash)
);
comment on table perdure.sessions is 'Logins that last, by the hash of their token.';
-- Serves open_session, which forgets the old ones of its user.
create index sessions_user_idx on perdure.sessions (user_id);

-- login_attempts: logins that were tried and have not succeeded, to slow down guessing. Written only by begin_login,
-- open_session, change_password and reset_password.
create table perdure.login_attempts (
    id uuid primary key,
    email text not null,  -- in lower case; of nobody, maybe
    address text not null,  -- where the request came from
    attempted_at timestamptz not null
);
comment on table perdure.login_attempts is 'Logins that were tried in vain, of late.';
create index login_attempts_email_idx on perdure.login_attempts (email, attempted_at);
create index login_attempts_address_idx on perdure.login_attempts (address, attempted_at);
create index login_attempts_attempted_at_idx on perdure.login_attempts (attempted_at);

-- login_links: secrets of the links by which the first owner is logged in, shown where `perdure dev` runs; a row lives
-- until it is used. Written only by create_login_link and take_login_link.
create table perdure.login_links (
    secret_hash bytea primary key,  -- sha256 of the secret in the link, which is shown once
    path text not null,  -- the page that it leads to
    created_at timestamptz not null,
    expires_at timestamptz not null
);
comment on table perdure.login_links is 'Links by which the first owner is logged in.';

-- owner_links: secrets of the links by which the first owner is made, shown where the server starts. Empty once there
-- is one. Written only by create_owner_link and create_owner.
create table perdure.owner_links (
    secret_hash bytea primary key,  -- sha256 of the secret
    created_at timestamptz not null,
    expires_at timestamptz not null
);
comment on table perdure.owner_links is 'Links by which the first owner is made.';

-- audit_log: who changed what, and when; in the order of its ids. Written only by audit; never changed.
create table perdure.audit_log (
    id uuid primary key,
    organization_id uuid not null references perdure.organizations (id),
    environment_id uuid references perdure.environments (id),  -- null: it concerns the organization
    recorded_at timestamptz not null,
    user_id uuid references perdure.users (id),  -- null: an administrator, in the database
    user_email text not null,  -- as it was then
    action text not null,  -- such as member.change_role
    object text not null,  -- what was changed, for people
    before jsonb,  -- what of it changed, as it was; null: it was not there
    after jsonb,  -- and as it is since; null: it is gone
    constraint audit_log_action_plain check (action ~ '^[a-z_]+\.[a-z_]+$')
);
comment on table perdure.audit_log is 'Who changed what, and when.';
create index audit_log_organization_idx on perdure.audit_log (organization_id, id);

-- identities: whom an OpenID provider knows as whom of us. Written only by log_in_identity and forget_identities.
create table perdure.identities (
    issuer text not null,  -- the provider, by its URL
    subject text not null,  -- whom it means: its own id of them, which stays when their email changes
    user_id uuid not null references perdure.users (id),
    created_at timestamptz not null,
    primary key (issuer, subject),
    -- An email that the provider gives to somebody else does not open the account of who had it before.
    constraint identities_user_unique unique (user_id, issuer)
);
comment on table perdure.identities is 'Whom an OpenID provider knows as whom of us.';

-- saved_filters: what somebody looks for again and again on the dashboard's list of runs. Written only by
-- sql/functions/saved_filters/.
create table perdure.saved_filters (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    user_id uuid not null references perdure.users (id),
    name text not null,
    query text not null,  -- of the page's address
    created_at timestamptz not null,
    constraint saved_filters_name_unique unique (environment_id, user_id, name),
    constraint saved_filters_name_fits check (char_length(name) between 1 and 80),
    constraint saved_filters_query_fits check (char_length(query) <= 4000)
);
comment on table perdure.saved_filters is 'What people look for again and again.';

-- bulk_actions: what somebody does with many runs at once: cancel, rerun or continue them. It goes on in steps of
-- promote_due, newest run first, and each step keeps how far it came. Written only by sql/functions/bulk_actions/.
create table perdure.bulk_actions (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    user_id uuid references perdure.users (id),  -- null: an administrator, in the database
    user_email text not null,  -- as it was then
    kind text not null,
    filter jsonb,  -- of the runs; null: run_ids are
    run_ids uuid[],  -- null: those that pass the filter
    from_id uuid not null,  -- no earlier run than this one comes into question
    until_id uuid not null,  -- only earlier runs than this id: those that were there when it began
    searched_to uuid not null,  -- the runs from this id on are done
    done_count integer not null default 0,
    skipped_count integer not null default 0,
    status text not null default 'RUNNING',
    message text,  -- why it FAILED
    due_at timestamptz,  -- of the next step; null: there is none
    created_at timestamptz not null,
    updated_at timestamptz not null,
    completed_at timestamptz,
    constraint bulk_actions_kind_known check (kind in ('CANCEL', 'RERUN', 'CONTINUE')),
    constraint bulk_actions_status_known check (status in ('RUNNING', 'COMPLETED', 'STOPPED', 'FAILED')),
    constraint bulk_actions_one_selection check ((filter is null) <> (run_ids is null)),
    constraint bulk_actions_due_while_running check ((due_at is not null) = (status = 'RUNNING')),
    constraint bulk_actions_completed_at_matches_status check ((completed_at is null) = (status = 'RUNNING'))
);
comment on table perdure.bulk_actions is 'What people do with many runs at once.';
create index bulk_actions_environment_idx on perdure.bulk_actions (environment_id, id);
-- Serves promote_due: the one that waits longest first.
create index bulk_actions_due_idx on perdure.bulk_actions (due_at) where due_at is not null;

-- bulk_action_skips: runs that a bulk action left as they were, and why; of each action the first thousand. Written
-- only by sql/functions/bulk_actions/.
create table perdure.bulk_action_skips (
    bulk_action_id uuid not null references perdure.bulk_actions (id) on delete cascade,
    run_id uuid not null,
    reason text not null,
    primary key (bulk_action_id, run_id)
);
comment on table perdure.bulk_action_skips is 'Runs that bulk actions left as they were.';

-- oidc_logins: logins that were begun and are on their way by an OpenID provider. Written only by begin_oidc_login and
-- take_oidc_login.
create table perdure.oidc_logins (
    secret_hash bytea primary key,  -- sha256 of what the browser keeps
    wanted text not null,  -- the page to go on to
    expires_at timestamptz not null
);
comment on table perdure.oidc_logins is 'Logins that are on their way by an OpenID provider.';
create index oidc_logins_expires_at_idx on perdure.oidc_logins (expires_at);

-- password_resets: links by which somebody chooses a password without the old one; a row lives until it is used.
-- Written only by _new_password_reset, reset_password and change_password.
create table perdure.password_resets (
    user_id uuid primary key references perdure.users (id),  -- a newer link replaces the older one
    secret_hash bytea not null,  -- sha256 of the secret in the link, which is shown once
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint password_resets_secret_unique unique (secret_hash)
);
comment on table perdure.password_resets is 'Links by which somebody chooses a password.';
