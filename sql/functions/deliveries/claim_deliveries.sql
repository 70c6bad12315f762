-- claim_deliveries: take requests that are due, to send them. The due time moves behind the request's timeout: that
-- is the lease. What needs no sending ends here: a callback of a task of ours, what nobody waits for any more, and
-- what was claimed 14 times and never answered.
-- Arguments  as claim_runs.
-- Returns    a row for each: where to send what, how it is signed, and for how long to wait. action is null for a
--            receiver outside. The rest as in the type delivery_request.
-- Errors     JQ010 invalid_argument: p_limit is null or out of range.
-- Locks      deliveries, skip locked; then what callbacks change.
-- Called by  the dispatcher; the server, for the connections that it holds.
create or replace function perdure.claim_deliveries(
    p_dispatcher text, p_limit integer, p_lease_margin interval default '10 seconds',
    p_endpoint_ids uuid[] default null
)
returns table (
    delivery_id uuid, lease_number integer, kind text, endpoint_id uuid, url text, action text, method text,
    headers json, body bytea, timeout_ms integer, signing_secrets bytea[], sealed_api_key text
)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := perdure.clock();
    v_ids uuid[];
    v_claimed integer;
begin
    perform perdure._check_limit('p_limit', p_limit);
    if p_endpoint_ids is null then
        v_ids := array(
            select d.id
            from perdure.deliveries as d
            where d.due_at <= v_now and not d.connected
            order by d.due_at, d.id
            limit p_limit
            for update skip locked
        );
    else
        v_ids := array(
            select d.id
            from perdure.deliveries as d
            where d.due_at <= v_now and d.connected and d.endpoint_id = any(p_endpoint_ids)
            order by d.due_at, d.id
            limit p_limit
            for update skip locked
        );
    end if;
    if v_ids = '{}' then
        return;
    end if;
    perform perdure._settle_own_callbacks(v_ids);
    perform perdure._end_unanswered_deliveries(v_ids);

    return query
    with requests as materialized (
        select
            d.id,
            r.*
        from perdure.deliveries as d
        cross join lateral perdure._delivery_request(d) as r
        where d.id = any(v_ids) and d.status = 'PENDING' and r.url is not null
    ),
    claimed as (
        update perdure.deliveries as d
        set
            attempt_count = d.attempt_count + 1,
            due_at = v_now + make_interval(secs => r.timeout_ms / 1000.0) + p_lease_margin,
            leased = true,
            message = format('Claimed by dispatcher %s', p_dispatcher)
        from requests as r
        where d.id = r.id
        returning
            d.id, d.attempt_count, d.kind, d.endpoint_id, r.url, r.action, r.method, r.headers, r.body, r.timeout_ms,
            r.signing_secrets, r.sealed_api_key
    )
    select * from claimed;
    get diagnostics v_claimed = row_count;

    if v_claimed < cardinality(v_ids) then
        perform perdure._fail_delivery(d, 'There is nothing to send any more')
        from perdure.deliveries as d
        where d.id = any(v_ids) and d.due_at <= v_now;
        -- Less came back than was asked for, though there may be more.
        perform perdure._notify_dispatchers('deliveries');
    end if;
end;
$$;
comment on function perdure.claim_deliveries(text, integer, interval, uuid[])
is 'Take requests that are due, to send them.';
