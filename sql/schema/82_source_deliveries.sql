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
