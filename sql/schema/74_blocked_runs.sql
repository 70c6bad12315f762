-- blocked_runs: ready runs that a concurrency limit keeps from being executed; not in the queue. Written only by
-- sql/functions/concurrency/.
create table perdure.blocked_runs (
    concurrency_limit_id uuid not null,  -- the limit that was reached
    resumed boolean not null,  -- begun before: goes first
    run_id uuid not null,
    primary key (concurrency_limit_id, resumed, run_id),
    constraint blocked_runs_run_unique unique (run_id)
);
comment on table perdure.blocked_runs is 'Ready runs that a concurrency limit keeps back.';
