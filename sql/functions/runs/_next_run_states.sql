-- _next_run_states: what results make of their runs. A success, which is what most are, is decided here, the rest by
-- _next_run_state.
-- Arguments  p_all_succeeded  there is no other result among them.
-- Returns    a row for each result whose lease may still hold; no row for others.
-- Errors     as _next_run_state.
-- Called by  _move_runs.
create or replace function perdure._next_run_states(p_results perdure.execution_result[], p_all_succeeded boolean)
returns table (
    run_id uuid, result perdure.execution_result, status text, output json, due_at timestamptz, failure_count integer,
    idle_count integer, yielded_keys text[]
)
language plpgsql stable set search_path = pg_catalog, pg_temp
set enable_nestloop = on
as $$
#variable_conflict use_column
begin
    return query
    select
        u.run_id, u::perdure.execution_result, 'SUCCESS', u.reply -> 'output', null::timestamptz, 0, 0, null::text[]
    from unnest(p_results) as u
    where u.verdict = 'REPLY' and u.reply_status = 'SUCCESS';
    if p_all_succeeded then
        return;
    end if;
    -- limit keeps these look-ups by index for each result, whatever the planner thinks of how few rows there are.
    return query
    select u.run_id, u::perdure.execution_result, n.*
    from unnest(p_results) as u
    left join lateral (select x.* from perdure.leases as x where x.run_id = u.run_id limit 1) as l on true
    cross join lateral (
        select x.*
        from perdure.runs as x
        where x.id = u.run_id and x.lease_number = u.lease_number and x.status = 'EXECUTING'
        limit 1
    ) as r
    cross join lateral perdure._next_run_state(r::perdure.runs, u, l.claimed_at) as n
    where (u.verdict = 'REPLY' and u.reply_status = 'SUCCESS') is not true;
end;
$$;
comment on function perdure._next_run_states(perdure.execution_result[], boolean)
is 'What results make of their runs.';
