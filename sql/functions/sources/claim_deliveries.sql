-- claim_deliveries: take requests from providers that are to be handed to the apps' handlers. The due time
-- moves behind the endpoint's timeout: that is the lease. A request whose attempts were all in vain ends here as
-- FAILED.
-- Arguments  as claim_runs.
-- Returns    a row for each: where to POST, the headers that describe the provider's request, its raw body.
-- Errors     JQ010 invalid_argument: p_limit is null or out of range.
-- Locks      deliveries, skip locked.
-- Called by  the dispatcher.
create or replace function perdure.claim_deliveries(
    p_dispatcher text, p_limit integer, p_lease_margin interval default '10 seconds'
)
returns table (
    delivery_id uuid, lease_number integer, url text, timeout_ms integer, signing_secrets bytea[], headers json,
    body bytea
)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := perdure.clock();
begin
    perform perdure._check_limit('p_limit', p_limit);

    -- Handed out as often as it may be, and never answered: the handler, or whoever asks it, dies of it.
    update perdure.source_deliveries as d
    set
        status = 'FAILED',
        due_at = null,
        completed_at = v_now,
        message = format('None of %s attempts was answered; the last: %s', d.attempt_count, d.message)
    where d.id in (
        select x.id
        from perdure.source_deliveries as x
        where x.due_at <= v_now and x.attempt_count >= perdure._attempt_limit('PRODUCTION')
        order by x.due_at, x.id
        limit p_limit
        for update skip locked
    );

    return query
    with due as (
        select d.id
        from perdure.source_deliveries as d
        where d.due_at <= v_now
        order by d.due_at, d.id
        limit p_limit
        for update skip locked
    ),
    claimed as (
        update perdure.source_deliveries as d
        set
            attempt_count = d.attempt_count + 1,
            due_at = v_now + make_interval(secs => p.timeout_ms / 1000.0) + p_lease_margin,
            message = format('Claimed by dispatcher %s', p_dispatcher)
        from due as u, perdure.sources as s, perdure.endpoints as p
        where d.id = u.id and s.id = d.source_id and p.id = s.endpoint_id
        returning
            d.id, d.attempt_count, d.url as request_url, d.method, d.headers, d.body, s.key, s.secret, s.params, s.data,
            s.metadata, p.url, p.timeout_ms, p.environment_id
    )
    select
        c.id, c.attempt_count, c.url, c.timeout_ms, perdure.get_signing_secrets(c.environment_id),
        perdure._json_object(
            perdure._member('x-ts-key', to_json(c.key)),
            perdure._member('x-ts-secret', to_json(c.secret)),
            perdure._member('x-ts-params', to_json(c.params::text)),
            perdure._member('x-ts-data', to_json(coalesce(c.data::text, 'null'))),
            perdure._member('x-ts-http-url', to_json(c.request_url)),
            perdure._member('x-ts-http-method', to_json(c.method)),
            perdure._member('x-ts-http-headers', to_json(c.headers::text)),
            perdure._member('x-ts-metadata', to_json(c.metadata::text))
        ),
        c.body
    from claimed as c;
end;
$$;
comment on function perdure.claim_deliveries(text, integer, interval)
is 'Take requests from providers for the apps'' handlers.';
