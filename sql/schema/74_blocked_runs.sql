-- blocked_runs: ready runs that are not to be executed now: a concurrency limit is reached, or a pause stops them; not
-- in the queue. Written only by sql/functions/concurrency/ and sql/functions/pauses/.
create table perdure.blocked_runs (
    run_id uuid primary key,
    resumed boolean not null,  -- begun before: goes first
    concurrency_limit_id uuid,  -- the limit that was reached; null: none
    pause_id uuid,  -- what stops it; null: nothing
    constraint blocked_runs_one_reason check (num_nonnulls(concurrency_limit_id, pause_id) = 1)
);
comment on table perdure.blocked_runs is 'Ready runs that are kept back.';
-- Serves _unblock_runs: who goes next.
create index blocked_runs_limit_idx on perdure.blocked_runs (concurrency_limit_id, resumed desc, run_id)
where concurrency_limit_id is not null;
create index blocked_runs_pause_idx on perdure.blocked_runs (pause_id) where pause_id is not null;
