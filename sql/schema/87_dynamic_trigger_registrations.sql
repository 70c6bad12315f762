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
