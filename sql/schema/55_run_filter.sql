-- run_filter: which runs of an environment are looked for, made by _run_filter. Not stored.
create type perdure.run_filter as (
    environment_id uuid,
    hidden_job_ids uuid [],  -- the internal jobs of its project: their runs are in no list
    run_ids uuid [],  -- only these; null: any
    from_id uuid,  -- this id and later ones
    to_id uuid,  -- earlier ids than this one
    statuses text [],  -- null: any
    job_id uuid,  -- null: any
    job_version_ids uuid [],  -- null: any
    fingerprint uuid,  -- of how it failed; null: any
    tags text [],  -- all of these; null: any
    is_test boolean,  -- null: either
    patterns text []  -- for ilike: the payload of the event matches one; null: any
);
comment on type perdure.run_filter is 'Which runs are looked for.';
