-- concurrency_limits: how many executions may be in flight at once, per job version, group of jobs or environment. The
-- row is also the lock under which leases are counted. Written only by sql/functions/concurrency/.
create table perdure.concurrency_limits (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    kind text not null,
    name text not null,  -- JOB: id@version, or the id where a person set it; GROUP: its id; ENVIRONMENT: empty
    max_executions integer not null,
    updated_at timestamptz not null,
    constraint concurrency_limits_name_unique unique (environment_id, kind, name),
    constraint concurrency_limits_kind_known check (kind in ('JOB', 'GROUP', 'ENVIRONMENT')),
    constraint concurrency_limits_positive check (max_executions > 0)
);
comment on table perdure.concurrency_limits is 'How many executions may be in flight at once.';
