-- claim_runs: take up to p_limit ready runs for one dispatcher. Each gets a new lease number and a lease; the
-- caller commits and only then calls the endpoints. A run of a disabled job version ends here as ABORTED, one beyond
-- its environment's limits as TIMED_OUT; one that a pause or a concurrency limit stops is kept back.
-- Arguments  p_dispatcher    who claims, for people to read;
--            p_limit         1 to 1000: the caller's free slots;
--            p_lease_margin  how long the lease outlasts the endpoint's timeout: time to hand the reply in;
--            p_endpoint_ids  only runs of these apps, which are connected; their leases last p_lease_margin only,
--            and the caller renews them. Null: the runs of all apps that are reached at a URL.
-- Returns    a row for each run: where to POST, for how long, signed with what, and the whole EXECUTE_JOB body. What
--            goes over a connection is not signed.
--            sealed_api_key: the key to send in clear, for the v2 JavaScript SDK; sealed_connections: tokens to put
--            into the body as `connections`, both encrypted by the server; null: none.
-- Errors     JQ010 invalid_argument: p_dispatcher is null; p_limit is null or out of range.
-- Locks      messages (skip locked), runs in id order, pauses (shared), then concurrency limits.
-- Called by  the dispatcher; the server, for the connections that it holds.
create or replace function perdure.claim_runs(
    p_dispatcher text, p_limit integer, p_lease_margin interval default '10 seconds',
    p_endpoint_ids uuid[] default null
)
returns setof perdure.claimed_run
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set enable_hashagg = off
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_started_at constant text := perdure._iso(v_now);
    v_is_connected constant boolean := p_endpoint_ids is not null;
    v_ready_ids uuid[];  -- from the queue
    v_taken_ids uuid[];  -- of these
    v_begun_ids uuid[];  -- of runs that have tasks
    v_begun_tasks text[];  -- the members of their bodies that say so
begin
    if p_limit between 1 and 1000 is not true or p_dispatcher is null then
        perform perdure._check_claim(p_dispatcher, p_limit);
    end if;
    v_ready_ids := case
        when v_is_connected then perdure._dequeue_connected_runs(p_limit, p_endpoint_ids)
        else perdure._dequeue_runs(p_limit)
    end;
    if v_ready_ids <> '{}' then
        v_taken_ids := perdure._take_ready_runs(v_ready_ids, p_dispatcher, v_is_connected);
        v_begun_ids := array(select distinct t.run_id from perdure.tasks as t where t.run_id = any(v_taken_ids));
        if v_begun_ids <> '{}' then
            select array_agg(b.run_id), array_agg(b.members)
            into v_begun_ids, v_begun_tasks
            from perdure._begun_members(v_begun_ids) as b;
        end if;
    end if;

    if v_taken_ids <> '{}' then
        return query
        with given as materialized (
            select
                r.id, r.lease_number, r.environment_id, r.endpoint_id, r.event_id, r.is_test, r.yielded_keys,
                r.timeout_at, v.version, v.hosted_integrations <> '{}' as has_connections, j.slug, p.url, p.timeout_ms, p.api_key_id,
                perdure._chunk_limit_ms(p.connected, p.execution_limit_ms, p.timeout_ms) as chunk_limit_ms,
                v.concurrency_limit_id
            from perdure.runs as r
            inner join perdure.job_versions as v on v.id = r.job_version_id
            inner join perdure.jobs as j on j.id = v.job_id
            inner join perdure.endpoints as p on p.id = r.endpoint_id
            where r.id = any(v_taken_ids)
        ),
        -- What many runs have in common is put together once.
        environments as materialized (
            select
                u.id, o.members, o.concurrency_limit_id, coalesce(k.signing_secrets, '{}') as signing_secrets
            from (select distinct g.environment_id as id from given as g) as u
            cross join lateral perdure._environment_members(u.id) as o
            left join lateral perdure._signing_secrets(u.id) as k on not v_is_connected
        ),
        leased as (
            insert into perdure.leases (
                run_id, lease_number, claimed_at, expires_at, concurrency_limit_ids
            )
            select
                c.id, c.lease_number, v_now,
                -- A run with a time limit is taken back when that is over.
                least(
                    v_now + p_lease_margin + case
                        when v_is_connected then interval '0' else make_interval(secs => c.timeout_ms / 1000.0)
                    end,
                    c.timeout_at
                ),
                nullif(array_remove(array[c.concurrency_limit_id, n.concurrency_limit_id], null), '{}')
            from given as c
            inner join environments as n on n.id = c.environment_id
        )
        select
            c.id, c.lease_number, c.endpoint_id, c.url, c.timeout_ms, n.signing_secrets,
            case when c.api_key_id is not null then perdure._sealed_key(c.api_key_id) end,
            case when c.has_connections then perdure._run_connections(c.id) end,
            perdure._execution_text(
                perdure._event_text(e::perdure.events), perdure._job_members(c.slug, c.version, n.members),
                c.chunk_limit_ms, c.id, c.is_test, v_started_at, e.external_account_id, e.source_context,
                v_begun_tasks[array_position(v_begun_ids, c.id)], c.yielded_keys, c.lease_number
            )
        from given as c
        inner join environments as n on n.id = c.environment_id
        -- limit keeps this a look-up by index for each run, whatever the planner thinks of how few events there are.
        cross join lateral (select x.* from perdure.events as x where x.id = c.event_id limit 1) as e;
    end if;

    if cardinality(v_taken_ids) < cardinality(v_ready_ids) then
        perform perdure._pass_on_slots(
            array(select r.id from unnest(v_ready_ids) as r (id) where r.id <> all(v_taken_ids)), v_is_connected
        );
    end if;
end;
$$;
comment on function perdure.claim_runs(text, integer, interval, uuid[]) is 'Take ready runs for one dispatcher.';
