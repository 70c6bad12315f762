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
