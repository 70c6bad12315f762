-- bulk_actions: what somebody does with many runs at once: cancel, rerun or continue them. It goes on in steps of
-- promote_due, newest run first, and each step keeps how far it came. Written only by sql/functions/bulk_actions/.
create table perdure.bulk_actions (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    user_id uuid references perdure.users (id),  -- null: an administrator, in the database
    user_email text not null,  -- as it was then
    kind text not null,
    filter jsonb,  -- of the runs; null: run_ids are
    run_ids uuid[],  -- null: those that pass the filter
    from_id uuid not null,  -- no earlier run than this one comes into question
    until_id uuid not null,  -- only earlier runs than this id: those that were there when it began
    searched_to uuid not null,  -- the runs from this id on are done
    done_count integer not null default 0,
    skipped_count integer not null default 0,
    status text not null default 'RUNNING',
    message text,  -- why it FAILED
    due_at timestamptz,  -- of the next step; null: there is none
    created_at timestamptz not null,
    updated_at timestamptz not null,
    completed_at timestamptz,
    constraint bulk_actions_kind_known check (kind in ('CANCEL', 'RERUN', 'CONTINUE')),
    constraint bulk_actions_status_known check (status in ('RUNNING', 'COMPLETED', 'STOPPED', 'FAILED')),
    constraint bulk_actions_one_selection check ((filter is null) <> (run_ids is null)),
    constraint bulk_actions_due_while_running check ((due_at is not null) = (status = 'RUNNING')),
    constraint bulk_actions_completed_at_matches_status check ((completed_at is null) = (status = 'RUNNING'))
);
comment on table perdure.bulk_actions is 'What people do with many runs at once.';
create index bulk_actions_environment_idx on perdure.bulk_actions (environment_id, id);
-- Serves promote_due: the one that waits longest first.
create index bulk_actions_due_idx on perdure.bulk_actions (due_at) where due_at is not null;

-- bulk_action_skips: runs that a bulk action left as they were, and why; of each action the first thousand. Written
-- only by sql/functions/bulk_actions/.
create table perdure.bulk_action_skips (
    bulk_action_id uuid not null references perdure.bulk_actions (id) on delete cascade,
    run_id uuid not null,
    reason text not null,
    primary key (bulk_action_id, run_id)
);
comment on table perdure.bulk_action_skips is 'Runs that bulk actions left as they were.';
