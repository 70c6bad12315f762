-- run_subscriptions: who wants to know how a run ends: the app's endpoint, or a URL. Written only by apply_results and
-- invoke_job.
create table perdure.run_subscriptions (
    run_id uuid not null,
    url text not null,  -- empty: the app's endpoint
    on_success boolean not null,
    on_failure boolean not null,
    primary key (run_id, url)
);
comment on table perdure.run_subscriptions is 'Who wants to know how runs end.';
