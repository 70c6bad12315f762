-- run_statuses: what a run tells people of its progress, by key. Written only by set_run_status.
create table perdure.run_statuses (
    run_id uuid not null,
    key text not null,
    label text not null,
    state text,
    data json,
    history json not null default '[]',  -- what it was before, oldest first: {label, state?, data?}
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (run_id, key),
    constraint run_statuses_state_known check (state in ('loading', 'success', 'failure'))
);
comment on table perdure.run_statuses is 'What runs tell people of their progress.';
