-- _start_matches: what events bring about, given the subscriptions that they match.
-- Arguments  p_event_ids, p_dispatcher_ids, p_job_ids  rows of _matches, in the order of events; null: none.
-- Locks      ephemeral subscriptions that match, in id order.
-- Called by  _deliver_events, send_and_claim.
create or replace function perdure._start_matches(p_event_ids uuid[], p_dispatcher_ids uuid[], p_job_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    if array_position(p_job_ids, null) is not null then
        perform perdure._deliver_to_subscriptions(p_event_ids, p_dispatcher_ids);
    elsif p_event_ids is not null then
        perform perdure._start_runs(p_event_ids, p_job_ids);
    end if;
end;
$$;
comment on function perdure._start_matches(uuid[], uuid[], uuid[]) is 'Start what listens to events.';
