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
