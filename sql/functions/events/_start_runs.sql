-- _start_runs: create runs and queue those that may start now. A job that wants its runs preprocessed, or that uses
-- connections which the platform holds, starts when these are there.
-- Arguments  p_event_ids, p_job_ids  events.id and jobs.id, as many of the one as of the other.
-- Returns    a row for each run, which is in the job's newest version in the event's environment; none for a job that
--            is disabled there.
-- Called by  _deliver_events, invoke_job, _fire_due_schedules, rerun_run.
create or replace function perdure._start_runs(p_event_ids uuid[], p_job_ids uuid[])
returns table (event_id uuid, job_id uuid, run_id uuid)
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := perdure.clock();
    v_runs perdure.runs[];
    v_is_described boolean;
    v_is_limited boolean;
begin
    with input as materialized (
        select
            perdure.new_id() as id, v.environment_id, v.job_id, v.id as job_version_id, v.endpoint_id, e.id as event_id,
            case when v.preprocess_runs or v.hosted_integrations <> '{}' then 'PENDING' else 'QUEUED' end as status,
            e.is_test, v_now + v.timeout as timeout_at,
            e.run_tags is not null or e.run_metadata is not null as is_described
        from unnest(p_event_ids, p_job_ids) with ordinality as s (event_id, job_id, ordinal)
        inner join perdure.events as e on e.id = s.event_id
        inner join perdure.environment_jobs as j on j.environment_id = e.environment_id and j.job_id = s.job_id
        inner join perdure.job_versions as v on v.id = j.latest_version_id and v.status = 'ACTIVE'
        order by s.ordinal
    ),
    created as (
        insert into perdure.runs as r (
            id, environment_id, job_id, job_version_id, endpoint_id, event_id, status, is_test, timeout_at, created_at,
            updated_at
        )
        select
            i.id, i.environment_id, i.job_id, i.job_version_id, i.endpoint_id, i.event_id, i.status, i.is_test,
            i.timeout_at, v_now, v_now
        from input as i
        returning r.*
    )
    select
        array_agg(c::perdure.runs order by c.id), bool_or(c.timeout_at is not null),
        (select bool_or(i.is_described) from input as i)
    into v_runs, v_is_limited, v_is_described
    from created as c;

    if v_is_described then
        perform perdure._describe_new_runs(array(select r.id from unnest(v_runs) as r));
    end if;
    if v_is_limited then
        perform perdure._notify_dispatchers('due');
    end if;
    perform perdure._enqueue_runs(array(select r.id from unnest(v_runs) as r where r.status = 'QUEUED'));
    if exists (select 1 from unnest(v_runs) as r where r.status = 'PENDING') then
        perform perdure._prepare_runs(array(select r.id from unnest(v_runs) as r where r.status = 'PENDING'));
    end if;
    return query select r.event_id, r.job_id, r.id from unnest(v_runs) as r;
end;
$$;
comment on function perdure._start_runs(uuid[], uuid[]) is 'Create runs and queue those that may start now.';
