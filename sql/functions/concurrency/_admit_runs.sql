-- _admit_runs: which of these ready runs may be executed now. The others are kept back until an execution under the
-- limit that stopped them ends. Runs that have begun go before new ones.
-- Arguments  p_run_ids  taken from the queue.
-- Returns    those to execute.
-- Locks      the runs that have a limit, then the limits, in id order: leases are counted, and ended, under them.
-- Called by  _take_ready_runs.
create or replace function perdure._admit_runs(p_run_ids uuid[])
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_limit_ids uuid[];
    v_free integer[];
    v_admitted_ids uuid[];
    v_full_id uuid;
    v_run record;
begin
    select array_agg(distinct i.id order by i.id) into v_limit_ids
    from perdure._limits_of_runs(p_run_ids) as l
    cross join lateral unnest(l.limit_ids) as i (id);
    if v_limit_ids is null then
        return p_run_ids;
    end if;

    perform 1
    from perdure.runs as r
    where r.id in (select l.run_id from perdure._limits_of_runs(p_run_ids) as l)
    order by r.id
    for update;
    perform 1 from perdure.concurrency_limits as c where c.id = any(v_limit_ids) order by c.id for update;
    select array_agg(c.max_executions - coalesce(u.used, 0) order by c.id) into v_free
    from perdure.concurrency_limits as c
    left join (
        select i.id, count(*)::integer as used
        from perdure.leases as l
        cross join lateral unnest(l.concurrency_limit_ids) as i (id)
        group by i.id
    ) as u on u.id = c.id
    where c.id = any(v_limit_ids);

    v_admitted_ids := array(
        select r.id
        from unnest(p_run_ids) as r (id)
        where r.id not in (select l.run_id from perdure._limits_of_runs(p_run_ids) as l)
    );
    for v_run in
        select r.id, r.status = 'WAITING_TO_EXECUTE' as resumed, l.limit_ids
        from perdure._limits_of_runs(p_run_ids) as l
        inner join perdure.runs as r on r.id = l.run_id
        where r.status in ('QUEUED', 'WAITING_TO_EXECUTE') and r.due_at is null
        order by r.status = 'WAITING_TO_EXECUTE' desc, r.id
    loop
        v_full_id := (
            select i.id from unnest(v_run.limit_ids) as i (id) where v_free[array_position(v_limit_ids, i.id)] <= 0 limit 1
        );
        if v_full_id is not null then
            insert into perdure.blocked_runs (concurrency_limit_id, resumed, run_id)
            values (v_full_id, v_run.resumed, v_run.id)
            on conflict (run_id) do nothing;
            continue;
        end if;
        v_admitted_ids := v_admitted_ids || v_run.id;
        for v_index in 1..cardinality(v_limit_ids) loop
            if v_limit_ids[v_index] = any(v_run.limit_ids) then
                v_free[v_index] := v_free[v_index] - 1;
            end if;
        end loop;
    end loop;
    -- One that was kept back may have a second message, from before it was cancelled and continued.
    delete from perdure.blocked_runs as b where b.run_id = any(v_admitted_ids);
    return v_admitted_ids;
end;
$$;
comment on function perdure._admit_runs(uuid[]) is 'Which ready runs the concurrency limits let through.';
