-- count_work: what an environment has to do just now. Looks at 2,000 of everything at most, of all environments
-- together: what is capped may be more.
-- Returns    one row: ready: runs that wait to be claimed, ready_since: since when the first does; executing;
--            held_back: by a concurrency limit; paused; sleeping: runs that wait for an instant.
-- Called by  the server.
create or replace function perdure.count_work(p_environment_id uuid)
returns table (
    ready integer, ready_capped boolean, ready_since timestamptz, executing integer, executing_capped boolean,
    held_back integer, paused integer, blocked_capped boolean, sleeping integer, sleeping_capped boolean
)
language sql stable security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
    with queued as materialized (
        (
            select q.message, q.enqueued_at from pgmq.q_perdure_ready_runs as q order by q.msg_id limit 2000
        )
        union all
        (
            select q.message, q.enqueued_at from pgmq.q_perdure_connected_runs as q order by q.msg_id limit 2000
        )
    ),
    ready as (
        select count(*)::integer as runs, min(q.enqueued_at) as since
        from queued as q
        inner join perdure.runs as r on r.id = perdure._to_uuid(q.message ->> 'run_id')
        where r.environment_id = p_environment_id and r.status in ('QUEUED', 'WAITING_TO_EXECUTE')
    ),
    leased as materialized (select l.run_id from perdure.leases as l limit 2000),
    blocked as materialized (select b.run_id, b.pause_id from perdure.blocked_runs as b limit 2000),
    due as materialized (
        (
            select t.run_id from perdure.tasks as t where t.due_at is not null order by t.due_at, t.id limit 2000
        )
        union all
        (
            select r.id from perdure.runs as r where r.due_at is not null order by r.due_at, r.id limit 2000
        )
    ),
    kept_back as (
        select
            count(*) filter (where b.pause_id is null)::integer as by_limits,
            count(*) filter (where b.pause_id is not null)::integer as by_pauses
        from blocked as b
        inner join perdure.runs as r on r.id = b.run_id
        where r.environment_id = p_environment_id
    )
    select
        y.runs,
        (select count(*) >= 2000 from queued),
        y.since,
        (
            select count(*)::integer
            from leased as l
            inner join perdure.runs as r on r.id = l.run_id
            where r.environment_id = p_environment_id
        ),
        (select count(*) >= 2000 from leased),
        k.by_limits,
        k.by_pauses,
        (select count(*) >= 2000 from blocked),
        (
            select count(distinct d.run_id)::integer
            from due as d
            inner join perdure.runs as r on r.id = d.run_id
            where r.environment_id = p_environment_id
        ),
        (select count(*) >= 2000 from due)
    from ready as y
    cross join kept_back as k;
$$;
comment on function perdure.count_work(uuid) is 'What an environment has to do just now.';
