-- _start_runs: create runs and queue those that may start now. A job that wants its runs preprocessed, or that uses
-- connections which the platform holds, starts when these are there.
-- Arguments  p_event_ids, p_job_ids  events.id and jobs.id, as many of the one as of the other.
-- Returns    the runs, each in its job's newest version in the event's environment; null: there is none, since the jobs
--            are disabled there.
-- Called by  _deliver_events, _deliver_to_subscriptions, invoke_job, _fire_due_schedules, _rerun_run, _bulk_rerun.
create or replace function perdure._start_runs(p_event_ids uuid[], p_job_ids uuid[])
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_ticks constant bigint := perdure._id_now();
    v_tail constant text := perdure._id_tail();
    v_run_ids uuid[];
    v_pending_ids uuid[];
    v_queued_ids uuid[];
    v_any_described boolean;
    v_any_limited boolean;
begin
    with input as materialized (
        select
            perdure._id_at(v_ticks + s.ordinal, v_tail) as id, v.environment_id, v.job_id, v.id as job_version_id,
            v.endpoint_id, e.id as event_id,
            case
                when v.preprocess_runs or v.hosted_integrations <> '{}' then 'PENDING'
                else 'QUEUED'
            end as status,
            e.is_test, v_now + v.timeout as timeout_at,
            e.run_tags is not null or e.run_metadata is not null as is_described
        from unnest(p_event_ids, p_job_ids) with ordinality as s (event_id, job_id, ordinal)
        -- limit keeps these look-ups by index, whatever the planner thinks of how few rows there are.
        cross join lateral (select x.* from perdure.events as x where x.id = s.event_id limit 1) as e
        cross join lateral (
            select x.latest_version_id
            from perdure.environment_jobs as x
            where x.environment_id = e.environment_id and x.job_id = s.job_id
            limit 1
        ) as j
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
    )
    select
        array_agg(i.id),  -- in their order, as the others
        array_agg(i.id) filter (where i.status = 'PENDING'),
        array_agg(i.id) filter (where i.status = 'QUEUED'),
        bool_or(i.timeout_at is not null),
        bool_or(i.is_described)
    into v_run_ids, v_pending_ids, v_queued_ids, v_any_limited, v_any_described
    from input as i;

    if v_any_described then
        perform perdure._describe_new_runs(v_run_ids);
    end if;
    if v_any_limited then
        perform perdure._notify_dispatchers('due');
    end if;
    if v_queued_ids is not null then
        perform perdure._enqueue_runs(v_queued_ids);
    end if;
    if v_pending_ids is not null then
        perform perdure._prepare_runs(v_pending_ids);
    end if;
    return v_run_ids;
end;
$$;
comment on function perdure._start_runs(uuid[], uuid[]) is 'Create runs and queue those that may start now.';
