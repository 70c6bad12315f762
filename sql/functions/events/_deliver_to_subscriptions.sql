-- _deliver_to_subscriptions: what events bring about whose subscriptions are of all kinds: jobs, dynamic triggers, each
-- of whose jobs is started, and ephemeral ones.
-- Arguments  p_event_ids, p_dispatcher_ids  pairs of events.id and event_dispatchers.id, in the order of events.
-- Locks      ephemeral subscriptions that match, in id order.
-- Called by  _deliver_events.
create or replace function perdure._deliver_to_subscriptions(p_event_ids uuid[], p_dispatcher_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_run_event_ids uuid[];
    v_run_job_ids uuid[];
    v_sent_event_ids uuid[];
    v_sent_dispatcher_ids uuid[];
begin
    select array_agg(s.event_id order by s.event_id, s.job_id), array_agg(s.job_id order by s.event_id, s.job_id)
    into v_run_event_ids, v_run_job_ids
    from (
        select p.event_id, d.job_id
        from unnest(p_event_ids, p_dispatcher_ids) as p (event_id, dispatcher_id)
        inner join perdure.event_dispatchers as d on d.id = p.dispatcher_id
        where d.job_id is not null
        union all
        select p.event_id, j.job_id
        from unnest(p_event_ids, p_dispatcher_ids) as p (event_id, dispatcher_id)
        inner join perdure.event_dispatchers as d on d.id = p.dispatcher_id
        inner join perdure.dynamic_trigger_jobs as j on j.dynamic_trigger_id = d.dynamic_trigger_id
    ) as s;
    if v_run_event_ids is not null then
        perform perdure._start_runs(v_run_event_ids, v_run_job_ids);
    end if;

    select array_agg(p.event_id order by p.ordinal), array_agg(p.dispatcher_id order by p.ordinal)
    into v_sent_event_ids, v_sent_dispatcher_ids
    from unnest(p_event_ids, p_dispatcher_ids) with ordinality as p (event_id, dispatcher_id, ordinal)
    inner join perdure.event_dispatchers as d on d.id = p.dispatcher_id
    where d.url is not null;
    if v_sent_event_ids is not null then
        perform perdure._send_to_dispatchers(v_sent_event_ids, v_sent_dispatcher_ids);
    end if;
end;
$$;
comment on function perdure._deliver_to_subscriptions(uuid[], uuid[]) is 'What events bring about, of all kinds.';
