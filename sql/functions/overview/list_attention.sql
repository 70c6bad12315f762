-- list_attention: what somebody should look at in an environment.
-- Returns    a row for each kind of thing: kind; how many (101 stands for more than 100; EVERYTHING_PAUSED and
--            NOTHING_MOVES: 1); name: of one of them, or null; detail, for people, or null; since when.
--            ENDPOINT_FAILED       its jobs could not be read the last time
--            ENDPOINT_DISABLED     it is read no more, since that failed too often
--            CONNECTION_MISSING    runs wait for one
--            EVERYTHING_PAUSED, ENVIRONMENT_PAUSED, JOB_PAUSED, QUEUE_PAUSED
--            SCHEDULES_OFF         it has schedules, and none fires
--            SCHEDULE_PROBLEM      the engine has switched it off
--            DEAD_LETTER           a run that nobody could execute
--            NOTHING_MOVES         something of this installation has been due for a minute: no dispatcher runs
-- Called by  the server.
create or replace function perdure.list_attention(p_environment_id uuid)
returns table (kind text, number integer, name text, detail text, since timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select f.kind, count(*)::integer, min(f.name), min(f.detail), min(f.since)
    from (
        (
            select
                case when e.enabled then 'ENDPOINT_FAILED' else 'ENDPOINT_DISABLED' end as kind,
                e.slug as name, e.index_error ->> 'message' as detail, e.indexed_at as since
            from perdure_views.endpoints as e
            where e.environment_id = p_environment_id and (e.index_status = 'FAILURE' or not e.enabled)
            limit 101
        )
        union all
        (
            select 'CONNECTION_MISSING', g.slug, null, m.created_at
            from perdure.missing_connections as m
            inner join perdure.integrations as g on g.id = m.integration_id
            where
                m.environment_id = p_environment_id and m.resolved_at is null
                and exists (
                    select 1
                    from perdure.missing_connection_runs as w
                    inner join perdure.runs as r on r.id = w.run_id
                    where w.missing_connection_id = m.id and r.status = 'WAITING_ON_CONNECTIONS'
                )
            limit 101
        )
        union all
        (
            select z.scope || '_PAUSED', coalesce(z.job, z.queue), z.reason, z.paused_at
            from perdure_views.pauses as z
            where z.environment_id = p_environment_id or z.environment_id is null
            limit 101
        )
        union all
        (
            select 'SCHEDULES_OFF', null, null, e.updated_at
            from perdure.environments as e
            inner join perdure.schedules as s on s.environment_id = e.id and s.active
            where e.id = p_environment_id and not e.schedules_enabled
            limit 101
        )
        union all
        (
            select 'SCHEDULE_PROBLEM', s.key, s.problem, s.updated_at
            from perdure.schedules as s
            where s.environment_id = p_environment_id and s.problem is not null
            limit 101
        )
        union all
        (
            select 'DEAD_LETTER', null, null, d.created_at
            from perdure.dead_letters as d
            where d.environment_id = p_environment_id
            order by d.run_id desc
            limit 101
        )
        union all
        (
            select 'NOTHING_MOVES', null, null, o.due_at
            from (
                (select t.due_at from perdure.tasks as t where t.due_at is not null order by t.due_at limit 1)
                union all
                (select r.due_at from perdure.runs as r where r.due_at is not null order by r.due_at limit 1)
                union all
                (select s.due_at from perdure.schedules as s where s.due_at is not null order by s.due_at limit 1)
            ) as o
            where o.due_at < perdure.clock() - interval '1 minute'
            order by o.due_at
            limit 1
        )
    ) as f
    group by f.kind;
$$;
comment on function perdure.list_attention(uuid) is 'What somebody should look at in an environment.';
