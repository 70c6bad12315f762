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
    body json
);
comment on type perdure.claimed_run is 'A run that a dispatcher has claimed.';

-- begun_runs: what _begin_runs has begun, and what it has left. Not stored.
create type perdure.begun_runs as (
    claims perdure.claimed_run [],  -- in the order of their events; null: none
    event_ids uuid [],  -- of what is left, with the next two as _start_matches takes them; null: none
    dispatcher_ids uuid [],
    job_ids uuid []
);
comment on type perdure.begun_runs is 'What has begun of what events start.';
