-- _begin_runs: create runs that begin as claimed: of what events start, what may be executed at once and finds a slot.
-- They have a lease, and were never in a queue. Whatever needs a closer look, or has no slot, is left to the caller.
-- Arguments  p_environment_id, p_event_ids  where the events happened, and events.id;
--            p_slots  how many may begin: the first ones;
--            p_dispatcher, p_lease_margin, p_endpoint_ids  as claim_runs.
-- Returns    what has begun, and what is left.
-- Called by  send_and_claim.
create or replace function perdure._begin_runs(
    p_environment_id uuid, p_event_ids uuid[], p_dispatcher text, p_slots integer, p_lease_margin interval,
    p_endpoint_ids uuid[]
)
returns perdure.begun_runs
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_started_at constant text := perdure._iso(v_now);
    v_ticks constant bigint := perdure._id_now();
    v_tail constant text := perdure._id_tail();
    v_is_connected constant boolean := p_endpoint_ids is not null;
    v_begun perdure.begun_runs;
begin
    with matched as materialized (
        select
            m.event,
            m.dispatcher_id,
            m.job_id,
            row_number() over (order by (m.event).id, m.job_id, m.dispatcher_id) as ordinal
        from perdure._matches(p_event_ids) as m
    ),
    -- Those that begin have an id.
    given as materialized (
        select
            m.*, a.*,
            case when a.endpoint_id is not null then perdure._id_at(v_ticks + m.ordinal, v_tail) end as id
        from matched as m
        left join lateral (
            select
                v.id as job_version_id, v.version, j.slug, p.id as endpoint_id, p.url, p.timeout_ms, p.api_key_id,
                perdure._chunk_limit_ms(p.connected, p.execution_limit_ms, p.timeout_ms) as chunk_limit_ms
            from perdure.environment_jobs as x
            inner join perdure.job_versions as v on v.id = x.latest_version_id
            inner join perdure.jobs as j on j.id = v.job_id
            inner join perdure.endpoints as p on p.id = v.endpoint_id
            where
                x.environment_id = p_environment_id and x.job_id = m.job_id
                and not v.preprocess_runs and v.hosted_integrations = '{}' and v.timeout is null
                and (not v_is_connected or p.id = any(p_endpoint_ids))
                and (
                    select g.goes_at_once from perdure._goes_at_once(v, v.endpoint_id, 0, 0, v_is_connected) as g
                )
        ) as a on m.ordinal <= p_slots and (m.event).run_tags is null and (m.event).run_metadata is null
    ),
    created as (
        insert into perdure.runs (
            id, environment_id, job_id, job_version_id, endpoint_id, event_id, status, is_test, created_at, updated_at,
            lease_number, started_at, dispatcher
        )
        select
            g.id, p_environment_id, g.job_id, g.job_version_id, g.endpoint_id, (g.event).id, 'EXECUTING',
            (g.event).is_test, v_now, v_now, 1, v_now, p_dispatcher
        from given as g
        where g.id is not null
    ),
    leased as (
        insert into perdure.leases (run_id, lease_number, claimed_at, expires_at)
        select
            g.id, 1, v_now,
            v_now + p_lease_margin + case
                when v_is_connected then interval '0' else make_interval(secs => g.timeout_ms / 1000.0)
            end
        from given as g
        where g.id is not null
    ),
    -- What all have in common is put together once.
    environment as materialized (
        select o.members, k.signing_secrets
        from perdure._environment_members(p_environment_id) as o
        cross join perdure._signing_secrets(p_environment_id) as k
    )
    select
        array_agg(
            row(
                g.id, 1, g.endpoint_id, g.url, g.timeout_ms, n.signing_secrets,
                case when g.api_key_id is not null then perdure._sealed_key(g.api_key_id) end, null,
                perdure._execution_json(
                    perdure._event_json(g.event), g.slug, g.version, g.chunk_limit_ms, n.members, g.id,
                    (g.event).is_test, v_started_at, (g.event).external_account_id, (g.event).source_context, null,
                    null, 1
                )
            )::perdure.claimed_run
        ) filter (where g.id is not null),
        array_agg((g.event).id) filter (where g.id is null),
        array_agg(g.dispatcher_id) filter (where g.id is null),
        array_agg(g.job_id) filter (where g.id is null)
    into v_begun
    from (select x.* from given as x order by x.ordinal) as g
    cross join environment as n;
    return v_begun;
end;
$$;
comment on function perdure._begin_runs(uuid, uuid[], text, integer, interval, uuid[])
is 'Create runs that begin as claimed.';
