-- deliveries: requests that the platform is to send until they are answered, other than executions: to an app's
-- endpoint or to a URL outside. due_at is also the lease: a claim moves it past the timeout. What a request looks
-- like, and what its answer means, is decided by kind: _delivery_request, _apply_delivery. Written only by
-- sql/functions/deliveries/.
create table perdure.deliveries (
    id uuid primary key,
    environment_id uuid not null,
    kind text not null,
    subject_id uuid not null,  -- what it is about: the id of a source, webhook, run, subscription, task, reading
    endpoint_id uuid,  -- whose endpoint is called; null: url
    connected boolean not null default false,  -- that endpoint's app fetches it: tg_deliveries__set_connected
    url text,
    status text not null,
    request json,  -- SOURCE_REQUEST, WEBHOOK_REQUEST: {url, method, headers} of what came in; else what to send
    body bytea,  -- raw body of what came in
    attempt_count integer not null default 0,  -- also the number of the current claim
    due_at timestamptz,
    leased boolean not null default false,  -- the current claim is not answered yet
    response json,  -- what was answered, as far as people want to see it
    message text,  -- why the last attempt failed
    http_status integer,  -- of the last answer; null: none came yet, or no HTTP answer
    duration_ms integer,  -- of the last attempt that ended
    redelivered_id uuid,  -- the delivery that this one repeats, because somebody wanted it
    created_at timestamptz not null,
    completed_at timestamptz,
    constraint deliveries_kind_known check (
        kind in (
            'SOURCE_REQUEST', 'WEBHOOK_REQUEST', 'RUN_NOTIFICATION', 'RUN_WEBHOOK', 'EVENT', 'FETCH', 'INDEX', 'PROBE',
            'PREPROCESS'
        )
    ),
    constraint deliveries_status_known check (status in ('PENDING', 'DELIVERED', 'FAILED')),
    constraint deliveries_one_receiver check (num_nonnulls(endpoint_id, url) = 1),
    constraint deliveries_due_while_pending check ((due_at is not null) = (status = 'PENDING')),
    constraint deliveries_completed_at_matches_status check ((completed_at is null) = (status = 'PENDING'))
);
comment on table perdure.deliveries is 'Requests that are sent until they are answered.';
create index deliveries_due_idx on perdure.deliveries (due_at, id) where due_at is not null and not connected;
-- Those of an app that is away may be many, and wait for it.
create index deliveries_connected_idx on perdure.deliveries (endpoint_id, due_at)
where due_at is not null and connected;
create index deliveries_subject_idx on perdure.deliveries (subject_id, id);
