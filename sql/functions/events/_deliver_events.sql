-- _deliver_events: what these events bring about: a run for each job that listens to them, in the job's newest version,
-- or for each job of a dynamic trigger; a delivery for each ephemeral subscription.
-- Arguments  p_ids  events.id; null or empty: nothing to do.
-- Locks      ephemeral subscriptions that match, in id order.
-- Called by  send_events, promote_due.
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
        select (x.event).id as event_id, x.dispatcher_id, x.job_id
        from perdure._matches(p_ids) as x
        order by (x.event).id, x.job_id, x.dispatcher_id
    ) as m;

    perform perdure._start_matches(v_event_ids, v_dispatcher_ids, v_job_ids);
end;
$$;
comment on function perdure._deliver_events(uuid[]) is 'Start what listens to these events.';
