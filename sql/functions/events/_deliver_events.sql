-- _deliver_events: what these events bring about: a run for each job that listens to them, in the job's newest version,
-- or for each job of a dynamic trigger; a delivery for each ephemeral subscription. A document that jsonb cannot hold
-- passes no filter.
-- Arguments  p_ids  events.id; null or empty: nothing to do.
-- Locks      ephemeral subscriptions that match, in id order.
-- Called by  send_events, promote_due.
create or replace function perdure._deliver_events(p_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_run_event_ids uuid[];
    v_run_job_ids uuid[];
    v_sent_event_ids uuid[];
    v_sent_dispatcher_ids uuid[];
    v_trigger_event_ids uuid[];
    v_trigger_ids uuid[];
begin
    if coalesce(cardinality(p_ids), 0) = 0 then
        return;
    end if;

    select
        array_agg(m.event_id order by m.event_id, m.job_id) filter (where m.job_id is not null),
        array_agg(m.job_id order by m.event_id, m.job_id) filter (where m.job_id is not null),
        array_agg(m.event_id order by m.event_id) filter (where m.url is not null),
        array_agg(m.dispatcher_id order by m.event_id) filter (where m.url is not null),
        array_agg(m.event_id order by m.event_id) filter (where m.dynamic_trigger_id is not null),
        array_agg(m.dynamic_trigger_id order by m.event_id) filter (where m.dynamic_trigger_id is not null)
    into
        v_run_event_ids, v_run_job_ids, v_sent_event_ids, v_sent_dispatcher_ids, v_trigger_event_ids, v_trigger_ids
    from (
        select e.id as event_id, d.id as dispatcher_id, d.job_id, d.dynamic_trigger_id, d.url
        from unnest(p_ids) as i (id)
        -- limit keeps this a look-up by index for each event, whatever the planner thinks of how few there are.
        cross join lateral (select x.* from perdure.events as x where x.id = i.id limit 1) as e
        inner join perdure.event_dispatcher_names as n
            on n.environment_id = e.environment_id and n.event_name = e.name and n.source = e.source
        inner join perdure.event_dispatchers as d on d.id = n.event_dispatcher_id
        where
            d.enabled
            and (d.expires_at is null or d.expires_at > perdure.clock())
            and (d.external_account_id is null or d.external_account_id = e.external_account_id)
            -- What one source of a dynamic trigger brings is not for the registrations of another.
            and (
                d.dynamic_source_key is null or e.dynamic_source_key is null
                or d.dynamic_source_key = e.dynamic_source_key
            )
            and (
                (d.payload_filter is null and d.context_filter is null)
                or perdure._passes_filters(
                    e.payload_type, perdure._to_jsonb(e.payload), perdure._to_jsonb(e.context), d.payload_filter,
                    d.context_filter
                )
            )
    ) as m;
    if v_trigger_ids is not null then
        select
            array_agg(s.event_id order by s.event_id, s.job_id), array_agg(s.job_id order by s.event_id, s.job_id)
        into v_run_event_ids, v_run_job_ids
        from (
            select r.event_id, r.job_id
            from unnest(v_run_event_ids, v_run_job_ids) as r (event_id, job_id)
            union all
            select t.event_id, j.job_id
            from unnest(v_trigger_event_ids, v_trigger_ids) as t (event_id, id)
            inner join perdure.dynamic_trigger_jobs as j on j.dynamic_trigger_id = t.id
        ) as s;
    end if;

    if v_run_event_ids is not null then
        perform perdure._start_runs(v_run_event_ids, v_run_job_ids);
    end if;
    if v_sent_event_ids is not null then
        perform perdure._send_to_dispatchers(v_sent_event_ids, v_sent_dispatcher_ids);
    end if;
end;
$$;
comment on function perdure._deliver_events(uuid[]) is 'Start what listens to these events.';
