-- claim_runs: take up to p_limit ready runs for one dispatcher. Each gets a new lease number and a lease; the
-- caller commits and only then calls the endpoints. A run of a disabled job version ends here as ABORTED, one beyond
-- its environment's limits as TIMED_OUT; one that a concurrency limit stops is kept back.
-- Arguments  p_dispatcher    who claims, for people to read;
--            p_limit         1 to 1000: the caller's free slots;
--            p_lease_margin  how long the lease outlasts the endpoint's timeout: time to hand the reply in;
--            p_endpoint_ids  only runs of these apps, which are connected; their leases last p_lease_margin only,
--            and the caller renews them. Null: the runs of all apps that are reached at a URL.
-- Returns    a row for each run: where to POST, for how long, signed with what, and the whole EXECUTE_JOB body.
--            sealed_api_key: the key to send in clear, for the v2 JavaScript SDK; sealed_connections: tokens to put
--            into the body as `connections`, both encrypted by the server; null: none.
-- Errors     JQ010 invalid_argument: p_limit is null or out of range.
-- Locks      messages (skip locked), concurrency limits, then runs in id order.
-- Called by  the dispatcher; the server, for the connections that it holds.
create or replace function perdure.claim_runs(
    p_dispatcher text, p_limit integer, p_lease_margin interval default '10 seconds',
    p_endpoint_ids uuid[] default null
)
returns table (
    run_id uuid, lease_number integer, endpoint_id uuid, url text, timeout_ms integer, signing_secrets bytea[],
    sealed_api_key text, sealed_connections json, body json
)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := perdure.clock();
    v_is_connected constant boolean := p_endpoint_ids is not null;
    v_run_ids uuid[];
    v_admitted_ids uuid[];
    v_is_astray boolean;
    v_is_over boolean;
    v_is_limited boolean;
    v_begun_ids uuid[];  -- of runs that have tasks
begin
    if p_limit between 1 and 1000 is not true then
        perform perdure._check_limit('p_limit', p_limit);
    end if;
    if v_is_connected then
        v_run_ids := perdure._dequeue_connected_runs(p_limit, p_endpoint_ids);
    else
        v_run_ids := perdure._dequeue_runs(p_limit);
    end if;
    if v_run_ids = '{}' then
        return;
    end if;

    -- One look tells whether any of them needs more than to be executed, which is rare.
    select
        coalesce(bool_or(p.connected <> v_is_connected), false),
        coalesce(bool_or(
            v.status = 'DISABLED' or r.execution_count >= e.max_executions or r.duration_ms >= e.max_duration_ms
        ), false),
        coalesce(bool_or(v.concurrency_limit_id is not null or e.concurrency_limit_id is not null), false),
        array(select distinct t.run_id from perdure.tasks as t where t.run_id = any(v_run_ids))
    into v_is_astray, v_is_over, v_is_limited, v_begun_ids
    from perdure.runs as r
    inner join perdure.job_versions as v on v.id = r.job_version_id
    inner join perdure.environments as e on e.id = r.environment_id
    inner join perdure.endpoints as p on p.id = r.endpoint_id
    where r.id = any(v_run_ids);
    if v_is_astray then
        v_run_ids := perdure._keep_rightly_queued(v_run_ids, v_is_connected);
    end if;
    if v_is_over then
        perform perdure._end_unclaimable_runs(v_run_ids);
    end if;
    v_admitted_ids := v_run_ids;
    if v_is_limited then
        v_admitted_ids := perdure._admit_runs(v_run_ids);
    end if;

    return query
    with claimed as (
        update perdure.runs as r
        set
            status = 'EXECUTING',
            lease_number = r.lease_number + 1,
            started_at = coalesce(r.started_at, v_now),
            updated_at = v_now
        where r.id = any(v_admitted_ids) and r.status in ('QUEUED', 'WAITING_TO_EXECUTE') and r.due_at is null
        returning r.*
    ),
    -- What many runs have in common is put together once.
    environments as materialized (
        select
            u.id, n.concurrency_limit_id, perdure.get_signing_secrets(u.id) as signing_secrets,
            array_to_string(array[
                perdure._member('environment', o.environment),
                perdure._member('organization', o.organization),
                perdure._member('project', o.project)
            ], ',') as members
        from (select distinct c.environment_id as id from claimed as c) as u
        inner join perdure.environments as n on n.id = u.id
        cross join lateral (select x.* from perdure._environment_json(u.id) as x limit 1) as o
    ),
    versions as (
        select
            u.runs, v.hosted_integrations <> '{}' as has_connections, p.id as endpoint_id, p.url, p.timeout_ms,
            p.connected, p.sdk_name = 'perdure' as is_ours, a.sealed_key, n.signing_secrets,
            nullif(array_remove(array[v.concurrency_limit_id, n.concurrency_limit_id], null), '{}') as limit_ids,
            array_to_string(array[
                perdure._member('job', json_build_object('id', j.slug, 'version', v.version)),
                perdure._member('runChunkExecutionLimit', case when not p.connected then to_json(
                    greatest(least(p.execution_limit_ms, p.timeout_ms, 120000), 10000) - 350
                ) end),
                n.members
            ], ',') as members
        from (
            select c.job_version_id, c.endpoint_id, array_agg(c::perdure.runs) as runs
            from claimed as c
            group by c.job_version_id, c.endpoint_id
        ) as u
        inner join perdure.job_versions as v on v.id = u.job_version_id
        inner join perdure.jobs as j on j.id = v.job_id
        inner join perdure.endpoints as p on p.id = u.endpoint_id
        inner join environments as n on n.id = v.environment_id
        left join perdure.api_keys as a on a.id = p.api_key_id and a.revoked_at is null
    ),
    given as materialized (
        select
            r.id, r.lease_number, r.event_id, r.is_test, r.yielded_keys, r.timeout_at,
            v.has_connections, v.endpoint_id, v.url, v.timeout_ms, v.connected, v.is_ours, v.sealed_key,
            v.signing_secrets, v.limit_ids, v.members
        from versions as v
        cross join lateral unnest(v.runs) as r
        order by r.id
    ),
    leased as (
        insert into perdure.leases (
            run_id, lease_number, dispatcher, claimed_at, expires_at, concurrency_limit_ids
        )
        select
            g.id, g.lease_number, p_dispatcher, v_now,
            -- A run with a time limit is taken back when that is over.
            least(
                v_now + p_lease_margin
                + case when g.connected then interval '0' else make_interval(secs => g.timeout_ms / 1000.0) end,
                g.timeout_at
            ),
            g.limit_ids
        from given as g
    )
    select
        g.id, g.lease_number, g.endpoint_id, g.url, g.timeout_ms, g.signing_secrets, g.sealed_key,
        case when g.has_connections then perdure._run_connections(g.id) end,
        perdure._json_object(
            perdure._member('event', perdure._event_json(e::perdure.events)),
            g.members,
            perdure._member('run', json_build_object(
                'id', g.id, 'isTest', g.is_test, 'isRetry', false, 'startedAt', perdure._iso(v_now)
            )),
            perdure._member('account', case when e.external_account_id is not null then (
                    select json_build_object('id', x.identifier, 'metadata', x.metadata)
                    from perdure.external_accounts as x
                    where x.id = e.external_account_id
                ) end),
            perdure._member('source', e.source_context),
            perdure._member('tasks', k.tasks),
            perdure._member('cachedTaskCursor', to_json(k.next_cursor)),
            perdure._member('yieldedExecutions', coalesce(to_json(g.yielded_keys), '[]')),
            perdure._member('perdure', json_build_object('leaseNumber', g.lease_number))
        )
    from given as g
    -- limit keeps this a look-up by index for each run, whatever the planner thinks of how few events there are.
    cross join lateral (select x.* from perdure.events as x where x.id = g.event_id limit 1) as e
    cross join lateral (
        select '[]'::json as tasks, null::uuid as next_cursor where g.id <> all(v_begun_ids)
        union all
        select t.tasks, t.next_cursor
        from perdure._cached_tasks(g.id, g.is_ours, null, 3500000, null) as t
        where g.id = any(v_begun_ids)
    ) as k;

    -- One that was let go when a limit had room, and does not use it (it was cancelled, or another limit keeps it back),
    -- lets the next one go.
    if v_is_limited and cardinality(v_admitted_ids) < cardinality(v_run_ids) then
        perform perdure._unblock_runs(array(
            select distinct i.id
            from perdure._limits_of_runs(array(
                select r.id from unnest(v_run_ids) as r (id) where r.id <> all(v_admitted_ids)
            )) as l
            cross join lateral unnest(l.limit_ids) as i (id)
        ));
    end if;
end;
$$;
comment on function perdure.claim_runs(text, integer, interval, uuid[]) is 'Take ready runs for one dispatcher.';
