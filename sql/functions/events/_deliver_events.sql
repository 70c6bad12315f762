-- _deliver_events: create and queue a run for each job that listens to these events, in the job's newest
-- version. A document that jsonb cannot hold passes no filter.
-- Arguments  p_ids  events.id; null or empty: nothing to do.
-- Returns    how many runs were created.
-- Called by  send_events, promote_due.
create or replace function perdure._deliver_events(p_ids uuid[])
returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_run_ids uuid[];
begin
    if coalesce(cardinality(p_ids), 0) = 0 then
        return 0;
    end if;

    with matched as (
        select e.id as event_id, e.is_test, v.id as job_version_id, v.job_id, v.environment_id, v.endpoint_id
        from perdure.events as e
        inner join perdure.event_dispatcher_names as n
            on n.environment_id = e.environment_id and n.event_name = e.name and n.source = e.source
        inner join perdure.event_dispatchers as d on d.id = n.event_dispatcher_id
        inner join perdure.environment_jobs as j on j.environment_id = d.environment_id and j.job_id = d.job_id
        inner join perdure.job_versions as v on v.id = j.latest_version_id
        where
            e.id = any(p_ids)
            and d.enabled
            and (d.payload_filter is null or perdure.event_matches(d.payload_filter, perdure._to_jsonb(e.payload)))
            and (d.context_filter is null or perdure.event_matches(d.context_filter, perdure._to_jsonb(e.context)))
    ),
    created as (
        insert into perdure.runs (
            id, environment_id, job_id, job_version_id, endpoint_id, event_id, status, is_test, created_at, updated_at
        )
        select
            perdure.new_id(), m.environment_id, m.job_id, m.job_version_id, m.endpoint_id, m.event_id, 'QUEUED',
            m.is_test, v_now, v_now
        from matched as m
        order by m.event_id
        returning runs.id
    )
    select array_agg(c.id order by c.id) into v_run_ids from created as c;

    perform perdure._enqueue_runs(v_run_ids);
    return coalesce(cardinality(v_run_ids), 0);
end;
$$;
comment on function perdure._deliver_events(uuid[]) is 'Start a run for each job that listens to these events.';
