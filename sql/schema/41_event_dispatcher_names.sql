-- event_dispatcher_names: event_dispatchers.event_names, a row a name, so that events find their
-- subscriptions by index however many jobs an environment has. Written as those are.
create table perdure.event_dispatcher_names (
    environment_id uuid not null,
    event_name text not null,
    source text not null,
    event_dispatcher_id uuid not null references perdure.event_dispatchers (id) on delete cascade,
    primary key (environment_id, event_name, source, event_dispatcher_id)
);
comment on table perdure.event_dispatcher_names is 'The names each subscription listens to, for look-up.';
create index event_dispatcher_names_dispatcher_idx on perdure.event_dispatcher_names (event_dispatcher_id);
