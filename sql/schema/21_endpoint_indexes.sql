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
