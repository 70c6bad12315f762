-- claim_runs: take up to p_limit ready runs for one dispatcher. Each gets a new lease number and a lease; the
-- caller commits and only then calls the endpoints. A run of a disabled job version ends here as ABORTED, one beyond
-- its environment's limits as TIMED_OUT; one that a concurrency limit stops is kept back.
-- Arguments  p_dispatcher    who claims, for people to read;
--            p_limit         1 to 1000: the caller's free slots;
--            p_lease_margin  how long the lease outlasts the endpoint's timeout: time to hand the reply in.
-- Returns    a row for each run: where to POST, for how long, signed with what, and the whole EXECUTE_JOB body.
--            sealed_api_key: the key to send in clear, for the v2 JavaScript SDK; sealed_connections: tokens to put
--            into the body as `connections`, both encrypted by the server; null: none.
-- Errors     JQ010 invalid_argument: p_limit is null or out of range.
-- Locks      messages (skip locked), concurrency limits, then runs in id order.
-- Called by  the dispatcher.
create or replace function perdure.claim_runs(
    p_dispatcher text, p_limit integer, p_lease_margin interval default '10 seconds'
)
returns table (
    run_id uuid, lease_number integer, endpoint_id uuid, url text, timeout_ms integer, signing_secrets bytea[],
    sealed_api_key text, sealed_connections json, body json
)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := perdure.clock();
    v_run_ids uuid[];
    v_admitted_ids uuid[];
begin
    perform perdure._check_limit('p_limit', p_limit);
    v_run_ids := perdure._dequeue_runs(p_limit);
    if v_run_ids = '{}' then
        return;
    end if;
    perform perdure._end_unclaimable_runs(v_run_ids);
    v_admitted_ids := perdure._admit_runs(v_run_ids);

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
    leased as (
        insert into perdure.leases (
            run_id, lease_number, dispatcher, claimed_at, expires_at, concurrency_limit_ids
        )
        select
            c.id, c.lease_number, p_dispatcher, v_now,
            -- A run with a time limit is taken back when that is over.
            least(v_now + make_interval(secs => p.timeout_ms / 1000.0) + p_lease_margin, c.timeout_at),
            coalesce(l.limit_ids, '{}')
        from claimed as c
        inner join perdure.endpoints as p on p.id = c.endpoint_id
        left join perdure._limits_of_runs(v_admitted_ids) as l on l.run_id = c.id
    )
    select
        c.id, c.lease_number, p.id, p.url, p.timeout_ms, perdure.get_signing_secrets(c.environment_id),
        a.sealed_key, case when v.hosted_integrations <> '{}' then perdure._run_connections(c.id) end,
        perdure._json_object(
            perdure._member('event', perdure._event_json(e)),
            perdure._member('job', json_build_object('id', j.slug, 'version', v.version)),
            perdure._member('run', json_build_object(
                'id', c.id, 'isTest', c.is_test, 'isRetry', false, 'startedAt', perdure._iso(v_now)
            )),
            perdure._member('environment', o.environment),
            perdure._member('organization', o.organization),
            perdure._member('project', o.project),
            perdure._member('account', case when e.external_account_id is not null then (
                    select json_build_object('id', x.identifier, 'metadata', x.metadata)
                    from perdure.external_accounts as x
                    where x.id = e.external_account_id
                ) end),
            perdure._member('source', e.source_context),
            perdure._member('tasks', k.tasks),
            perdure._member('cachedTaskCursor', to_json(k.next_cursor)),
            perdure._member('yieldedExecutions', to_json(c.yielded_keys)),
            perdure._member('runChunkExecutionLimit', to_json(
                greatest(least(p.execution_limit_ms, p.timeout_ms, 120000), 10000) - 350
            )),
            perdure._member('perdure', json_build_object('leaseNumber', c.lease_number))
        )
    from claimed as c
    inner join perdure.endpoints as p on p.id = c.endpoint_id
    inner join perdure.events as e on e.id = c.event_id
    inner join perdure.jobs as j on j.id = c.job_id
    inner join perdure.job_versions as v on v.id = c.job_version_id
    left join perdure.api_keys as a on a.id = p.api_key_id and a.revoked_at is null
    cross join lateral perdure._environment_json(c.environment_id) as o
    cross join lateral perdure._cached_tasks(c.id, p.sdk_name = 'perdure', null, 3500000, null) as k;

    -- One that was let go when a limit had room, and does not use it (it was cancelled, or another limit keeps it back),
    -- lets the next one go.
    if cardinality(v_admitted_ids) < cardinality(v_run_ids) then
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
comment on function perdure.claim_runs(text, integer, interval) is 'Take ready runs for one dispatcher.';
