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
