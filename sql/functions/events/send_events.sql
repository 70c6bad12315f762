-- send_events: store events and start the runs they cause: one transaction, any number of events. The same
-- event id in the same environment is stored once: sent again, an event that was delivered is left as it is;
-- one that still lies 5 s or more ahead takes the new payload, context, tags, metadata and delivery time.
-- In a transaction whose snapshot is older than its events (REPEATABLE READ, SERIALIZABLE) they are left to the
-- dispatcher to deliver: subscriptions made meanwhile could not be seen.
-- Arguments  p_events   JSON array of {name, payload?, context?, id?, timestamp?, source?, payloadType?,
--            isTest?, sourceContext?, dynamicSourceKey?};
--            p_options  {deliverAt?: ISO 8601, deliverAfter?: seconds, accountId?: the end user it is about, tags?,
--            metadata?: of the runs that they start}, for all of them;
--            p_minimal  nobody wants to know how the events are stored.
-- Returns    each event as stored (ApiEventLog), in the order given; nothing with p_minimal.
-- Errors     JQ001 not_found: no such environment; JQ010 invalid_argument: names the element and member.
-- Locks      events of these ids, in the order of event_id; ephemeral subscriptions that match; no run rows.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.send_events(
    p_environment_id uuid, p_events json, p_options json default '{}', p_minimal boolean default false
)
returns setof json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_sent perdure.sent_events;
begin
    v_sent := perdure._store_events(p_environment_id, p_events, p_options, 0, null, null, null, p_minimal);
    perform perdure._deliver_events(v_sent.left_ids);
    return query select e.event::json from unnest(v_sent.answers) as e (event);
end;
$$;
comment on function perdure.send_events(uuid, json, json, boolean) is 'Store events and start the runs they cause.';
