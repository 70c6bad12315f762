-- send_and_claim: send_events, and claim_runs for a dispatcher that has free slots at this moment: the runs that were
-- started are among what it takes. One transaction and one commit in place of two, and nobody has to be woken between.
-- Unless others wait for a slot, the runs are claimed as they are started, without a message in the queue. What is
-- between learns of it by settings of the transaction: perdure.claimants, .slots and .dispatcher say who claims,
-- .handed_over which runs were started for it, .enqueued that there is something in the queue besides.
-- Arguments  p_environment_id, p_events, p_options  as send_events;
--            p_dispatcher, p_limit, p_lease_margin, p_endpoint_ids  as claim_runs.
-- Returns    first a row for each event, with nothing but event; then a row for each claimed run, without event.
-- Errors     those of send_events and claim_runs; nothing is stored then: send_events alone may do better.
-- Locks      those of send_events, then those of claim_runs.
-- Called by  the server, for dispatchers in its process and for the connections that it holds.
create or replace function perdure.send_and_claim(
    p_environment_id uuid, p_events json, p_options json, p_dispatcher text, p_limit integer,
    p_lease_margin interval, p_endpoint_ids uuid[] default null
)
returns table (
    event json, run_id uuid, lease_number integer, endpoint_id uuid, url text, timeout_ms integer,
    signing_secrets bytea[], sealed_api_key text, sealed_connections json, body json
)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_claimed integer;
begin
    perform
        set_config('perdure.claimants', coalesce(p_endpoint_ids::text, '{runs}'), true),
        set_config('perdure.slots', coalesce(p_limit, 0)::text, true),
        set_config('perdure.dispatcher', p_dispatcher, true),
        set_config('perdure.enqueued', '', true);
    return query
    select
        s.event, null::uuid, null::integer, null::uuid, null::text, null::integer, null::bytea[], null::text,
        null::json, null::json
    from perdure.send_events(p_environment_id, p_events, p_options) as s (event);
    perform set_config('perdure.claimants', '', true);

    return query
    select
        null::json, c.run_id, c.lease_number, c.endpoint_id, c.url, c.timeout_ms, c.signing_secrets, c.sealed_api_key,
        c.sealed_connections, c.body
    from perdure.claim_runs(p_dispatcher, p_limit, p_lease_margin, p_endpoint_ids) as c;
    get diagnostics v_claimed = row_count;
    if v_claimed >= p_limit then
        perform perdure._notify_dispatchers(case when p_endpoint_ids is null then 'runs' else 'connected' end);
    end if;
end;
$$;
comment on function perdure.send_and_claim(uuid, json, json, text, integer, interval, uuid[])
is 'Send events and take ready runs in one transaction.';
