-- _learn_execution_limits: an execution that the host cut off shows how long the host lets a function live;
-- from now on the SDK is told to yield before that. 10 s at least, 120 s at most.
-- Arguments  p_results  results that moved their run, with the status it got.
-- Locks      endpoints, in id order.
-- Called by  apply_results.
create or replace function perdure._learn_execution_limits(p_results perdure.execution_result[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select 1 from unnest(p_results) as u where u.verdict = 'FUNCTION_TIMEOUT') then
        return;
    end if;
    with learnt as (
        select r.endpoint_id as id, least(greatest(min(u.duration_ms), 10000), 120000) as limit_ms
        from unnest(p_results) as u
        inner join perdure.runs as r on r.id = u.run_id
        where u.verdict = 'FUNCTION_TIMEOUT' and u.run_status = 'WAITING_TO_EXECUTE' and u.duration_ms is not null
        group by r.endpoint_id
    ),
    locked as (
        select p.id, l.limit_ms
        from perdure.endpoints as p
        inner join learnt as l on l.id = p.id
        where p.execution_limit_ms <> l.limit_ms
        order by p.id
        for no key update of p
    )
    update perdure.endpoints as p
    set execution_limit_ms = l.limit_ms, updated_at = perdure.clock()
    from locked as l
    where p.id = l.id;
end;
$$;
comment on function perdure._learn_execution_limits(perdure.execution_result[])
is 'Learn how long hosts let functions live.';
