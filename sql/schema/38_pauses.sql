-- pauses: what is not executed until somebody says so: a job in an environment, a queue (the jobs that share a
-- concurrency limit), an environment, or everything. Few rows: each claim looks through them. Whoever keeps a run back
-- for one holds it locked, so that it cannot end meanwhile. Written only by sql/functions/pauses/.
create table perdure.pauses (
    id uuid primary key,
    environment_id uuid references perdure.environments (id),  -- null: everything
    job_id uuid references perdure.jobs (id),  -- null: not one job
    concurrency_limit_id uuid references perdure.concurrency_limits (id),  -- of the queue; null: not a queue
    paused_by text,  -- who, for people; null: not said
    reason text,  -- why, for people; null: not said
    paused_at timestamptz not null,
    constraint pauses_one_scope check (
        num_nonnulls(job_id, concurrency_limit_id) <= case when environment_id is null then 0 else 1 end
    )
);
comment on table perdure.pauses is 'What is not executed for now.';
create unique index pauses_scope_key on perdure.pauses (
    coalesce(environment_id, '00000000-0000-0000-0000-000000000000'),
    coalesce(job_id, concurrency_limit_id, '00000000-0000-0000-0000-000000000000')
);
