-- dead_letters: runs that failed because nobody could execute them, kept for people. Written only by
-- apply_results.
create table perdure.dead_letters (
    run_id uuid primary key,
    environment_id uuid not null,
    reason text not null,
    created_at timestamptz not null
);
comment on table perdure.dead_letters is 'Runs out of attempts, with the reason.';
create index dead_letters_environment_idx on perdure.dead_letters (environment_id, run_id);
