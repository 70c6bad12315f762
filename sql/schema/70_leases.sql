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
