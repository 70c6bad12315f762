-- _deliver_events: what these events bring about: a run for each job that listens to them, in the job's newest version,
-- or for each job of a dynamic trigger; a delivery for each ephemeral subscription. A document that jsonb cannot hold
-- passes no filter.
-- Arguments  p_ids  events.id; null or empty: nothing to do.
-- Locks      ephemeral subscriptions that match, in id order.
-- Called by  send_events, send_and_claim, promote_due.
create or replace function perdure._deliver_events(p_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_event_ids uuid[];
    v_dispatcher_ids uuid[];
    v_job_ids uuid[];
begin
    if cardinality(p_ids) > 0 is not true then
        return;
    end if;

    -- A row for each event and each subscription to it, in the order of events and jobs.
    select array_agg(m.event_id), array_agg(m.dispatcher_id), array_agg(m.job_id)
    into v_event_ids, v_dispatcher_ids, v_job_ids
    from (
        select e.id as event_id, d.id as dispatcher_id, d.job_id
        -- offset keeps this one pass over the index of ids, whatever the planner thinks of how few events there are.
        from (select x.* from perdure.events as x where x.id = any(p_ids) offset 0) as e -- noqa: AM09
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
        order by e.id, d.job_id, d.id
    ) as m;

    if array_position(v_job_ids, null) is not null then
        perform perdure._deliver_to_subscriptions(v_event_ids, v_dispatcher_ids);
    elsif v_event_ids is not null then
        perform perdure._start_runs(v_event_ids, v_job_ids);
    end if;
end;
$$;
comment on function perdure._deliver_events(uuid[]) is 'Start what listens to these events.';
