-- list_queues: the queues of an environment: concurrency limits that jobs share, as they stand.
-- Returns    a row for each that a job names: jobs: their slugs; executing: executions in flight under the limit;
--            waiting: runs that the limit or the queue's pause keeps back, 1,001 stands for more than 1,000.
-- Called by  the server, psql.
create or replace function perdure.list_queues(p_environment_id uuid)
returns table (
    queue text, max_executions integer, jobs text[], executing integer, waiting integer, is_paused boolean
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select
        c.name, c.max_executions, n.slugs,
        (select count(*)::integer from perdure.leases as l where c.id = any(l.concurrency_limit_ids)),
        (
            select count(*)::integer
            from (
                select 1 from perdure.blocked_runs as b where b.concurrency_limit_id = c.id
                union all
                select 1
                from perdure.blocked_runs as b
                inner join perdure.pauses as z on z.id = b.pause_id
                where z.concurrency_limit_id = c.id
                limit 1001
            ) as w
        ),
        exists (select 1 from perdure.pauses as z where z.concurrency_limit_id = c.id)
    from perdure.concurrency_limits as c
    cross join lateral (
        select array_agg(distinct k.slug order by k.slug) as slugs
        from perdure.environment_jobs as l
        inner join perdure.job_versions as v on v.id = l.latest_version_id and v.concurrency_limit_id = c.id
        inner join perdure.jobs as k on k.id = l.job_id
        where l.environment_id = p_environment_id
    ) as n
    where c.environment_id = p_environment_id and c.kind = 'GROUP' and n.slugs is not null
    order by c.name;
end;
$$;
comment on function perdure.list_queues(uuid) is 'The queues of an environment.';
