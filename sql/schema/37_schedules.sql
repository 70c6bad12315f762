-- schedules: what fires at an interval or by a cron expression: a job's own, or one attached to a dynamic trigger at
-- run time. due_at is the next fire. Written only by sql/functions/schedules/ and set_schedules_enabled.
create table perdure.schedules (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    job_id uuid references perdure.jobs (id),
    dynamic_trigger_id uuid references perdure.dynamic_triggers (id),
    key text not null,  -- the job's slug, or the registration's key
    type text not null,
    seconds integer,
    cron text,
    time_zone text not null default 'UTC',
    external_account_id uuid,
    metadata json,
    active boolean not null,
    paused_at timestamptz,  -- somebody wants it not to fire; null: nobody does
    due_at timestamptz,  -- null: does not fire
    last_fired_at timestamptz,
    problem text,  -- why the engine switched it off; null: it did not
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint schedules_job_unique unique (environment_id, job_id),
    constraint schedules_dynamic_unique unique (dynamic_trigger_id, key),
    constraint schedules_one_target check (num_nonnulls(job_id, dynamic_trigger_id) = 1),
    constraint schedules_type_known check (type in ('interval', 'cron')),
    constraint schedules_interval_complete check (
        (type = 'interval') = (seconds is not null) and seconds between 20 and 2592000
    ),
    constraint schedules_cron_complete check ((type = 'cron') = (cron is not null)),
    constraint schedules_due_only_while_active check (due_at is null or active),
    constraint schedules_not_due_while_paused check (due_at is null or paused_at is null),
    constraint schedules_problem_only_when_off check (problem is null or not active)
);
comment on table perdure.schedules is 'What fires at an interval or by a cron expression.';
-- Serves promote_due.
create index schedules_due_idx on perdure.schedules (due_at, id) where due_at is not null;
-- Serves lists of an environment's schedules, newest first.
create index schedules_environment_idx on perdure.schedules (environment_id, id);
