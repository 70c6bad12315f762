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
