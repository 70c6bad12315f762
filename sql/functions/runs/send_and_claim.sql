-- send_and_claim: send_events, and claim_runs for a dispatcher that has free slots at this moment: the runs that were
-- started are among what it takes. One transaction and one commit in place of two, and nobody has to be woken between.
-- Unless others wait for a slot, the runs begin as claimed, without a message in the queue. Events of which a run needs
-- a closer look take the way through the queue.
-- Arguments  p_environment_id, p_events, p_options, p_minimal  as send_events;
--            p_dispatcher, p_limit, p_lease_margin, p_endpoint_ids  as claim_runs.
-- Returns    first a row for each event, with nothing but event, unless p_minimal; then a row for each claimed run,
--            without event.
-- Errors     those of send_events and claim_runs; nothing is stored then: send_events alone may do better.
-- Locks      those of send_events, then those of claim_runs.
-- Called by  the server, for dispatchers in its process and for the connections that it holds.
create or replace function perdure.send_and_claim(
    p_environment_id uuid, p_events json, p_options json, p_dispatcher text, p_limit integer,
    p_lease_margin interval, p_endpoint_ids uuid[] default null, p_minimal boolean default false
)
returns table (
    event text, run_id uuid, lease_number integer, endpoint_id uuid, url text, timeout_ms integer,
    signing_secrets bytea[], sealed_api_key text, sealed_connections json, body text
)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_sent perdure.sent_events;
    v_left integer := p_limit;  -- slots
    v_looks boolean;  -- into the queue
    v_claimed integer;
begin
    if p_limit between 1 and 1000 is not true or p_dispatcher is null then
        perform perdure._check_claim(p_dispatcher, p_limit);
    end if;
    v_looks := perdure._any_queued(p_endpoint_ids);
    -- Whether a long text has one event only is not worth to be read for.
    if not v_looks and p_options::text = '{}' and octet_length(p_events::text) < 4000 then
        v_sent := perdure._begin_event(
            p_environment_id, p_events, p_dispatcher, p_lease_margin, p_endpoint_ids, p_minimal
        );
    end if;
    if v_sent.number is null then
        v_sent := perdure._store_events(
            p_environment_id, p_events, p_options, case when v_looks then 0 else p_limit end, p_dispatcher,
            p_lease_margin, p_endpoint_ids, p_minimal
        );
    end if;
    if v_sent.answers is not null then
        return query
        select s.event, (null::perdure.claimed_run).*
        from unnest(v_sent.answers) as s (event);
    end if;

    if v_sent.claims is not null then
        return query
        select null::text, c.*
        from unnest(v_sent.claims) as c;
        v_left := p_limit - cardinality(v_sent.claims);
    end if;
    if v_sent.left_ids is not null then
        -- What is queued for this dispatcher is not told to it: it looks for itself.
        perform set_config('perdure.claimants', coalesce(p_endpoint_ids::text, '{runs}'), true);
        perform perdure._deliver_events(v_sent.left_ids);
        perform set_config('perdure.claimants', '', true);
        v_looks := v_left > 0;
    end if;

    if v_looks then
        return query
        select null::text, c.*
        from perdure.claim_runs(p_dispatcher, v_left, p_lease_margin, p_endpoint_ids) as c;
        get diagnostics v_claimed = row_count;
        v_left := v_left - v_claimed;
    end if;
    if v_left = 0 then
        perform perdure._notify_dispatchers(case when p_endpoint_ids is null then 'runs' else 'connected' end);
    end if;
end;
$$;
comment on function perdure.send_and_claim(uuid, json, json, text, integer, interval, uuid[], boolean)
is 'Send events and take ready runs in one transaction.';
