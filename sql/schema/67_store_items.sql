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
