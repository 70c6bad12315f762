-- _enqueue_runs: put runs that may be executed now into their queue: the one that dispatchers serve, or that of the
-- apps that are connected. The message carries the id, and in the second queue whose it is; no state. pgmq is known to
-- _enqueue_runs, _any_queued, _dequeue_runs, _queued_run_ids and _queue_place only; they use its tables, which
-- all its versions have alike: its functions make their statements anew in each call.
-- Who claims in the same transaction looks for itself, and is not told: perdure.claimants names it, see send_and_claim.
-- Arguments  p_run_ids  null or empty: nothing to do.
create or replace function perdure._enqueue_runs(p_run_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_claimants constant text[] := coalesce(nullif(current_setting('perdure.claimants', true), ''), '{}')::text[];
    v_any_called boolean;
    v_any_connected boolean;
begin
    if cardinality(p_run_ids) > 0 is not true then
        return;
    end if;
    insert into pgmq.q_perdure_ready_runs (vt, message)
    select clock_timestamp(), jsonb_build_object('run_id', i.id)
    from unnest(p_run_ids) as i (id)
    where not exists (select 1 from perdure.endpoints as p where p.connected);
    if found then
        if 'runs' <> all(v_claimants) then
            perform perdure._notify_dispatchers('runs');
        end if;
        return;
    end if;

    with routed as materialized (
        select i.ordinal, r.id, p.id as endpoint_id, p.connected
        from unnest(p_run_ids) with ordinality as i (id, ordinal)
        -- limit keeps this a look-up by index for each run, whatever the planner thinks of how few there are.
        cross join lateral (select x.id, x.endpoint_id from perdure.runs as x where x.id = i.id limit 1) as r
        inner join perdure.endpoints as p on p.id = r.endpoint_id
    ),
    called as (
        insert into pgmq.q_perdure_ready_runs (vt, message)
        select clock_timestamp(), jsonb_build_object('run_id', r.id)
        from routed as r
        where not r.connected
        order by r.ordinal
    ),
    fetched as (
        insert into pgmq.q_perdure_connected_runs (vt, message)
        select clock_timestamp(), jsonb_build_object('run_id', r.id, 'endpoint_id', r.endpoint_id)
        from routed as r
        where r.connected
        order by r.ordinal
    )
    select bool_or(not r.connected), bool_or(r.connected and r.endpoint_id::text <> all(v_claimants))
    into v_any_called, v_any_connected
    from routed as r;
    if v_any_called and 'runs' <> all(v_claimants) then
        perform perdure._notify_dispatchers('runs');
    end if;
    if v_any_connected then
        perform perdure._notify_dispatchers('connected');
    end if;
end;
$$;
comment on function perdure._enqueue_runs(uuid[]) is 'Queue runs that may be executed now.';
