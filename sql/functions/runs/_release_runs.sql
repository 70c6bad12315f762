-- _release_runs: let runs start whose preparation is over: queue them, unless a connection that they need is missing.
-- Arguments  p_run_ids  PENDING: preprocessed, or in no need of it; WAITING_ON_CONNECTIONS: their connections are
--            there. Others are passed over.
-- Locks      the runs, in id order.
-- Called by  _prepare_runs, apply_delivery_results, create_connection.
create or replace function perdure._release_runs(p_run_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_pending_ids uuid[];
    v_released_ids uuid[];
begin
    select array_agg(r.id) into v_pending_ids
    from perdure.runs as r
    inner join perdure.job_versions as v on v.id = r.job_version_id and v.hosted_integrations <> '{}'
    where r.id = any(p_run_ids) and r.status = 'PENDING';
    if v_pending_ids is not null then
        perform perdure._await_connections(v_pending_ids);
    end if;

    with locked as (
        select r.id
        from perdure.runs as r
        where
            r.id = any(p_run_ids)
            -- Those that _await_connections has just made wait were PENDING before.
            and (
                r.status = 'PENDING'
                or (r.status = 'WAITING_ON_CONNECTIONS' and r.id <> all(coalesce(v_pending_ids, '{}')))
            )
        order by r.id
        for update
    ),
    released as (
        update perdure.runs as r
        set status = 'QUEUED', updated_at = perdure.clock()
        from locked as l
        where r.id = l.id
        returning r.id
    )
    select array_agg(r.id order by r.id) into v_released_ids from released as r;
    perform perdure._enqueue_runs(v_released_ids);
end;
$$;
comment on function perdure._release_runs(uuid[]) is 'Let runs start whose preparation is over.';
