-- _next_run_states: what results make of their runs. A success, which is what most are, is decided here, the rest by
-- _next_run_state.
-- Returns    a row for each result whose lease may still hold, in the order of run ids, with what the lease says; no
--            row for others. Planned as one row: whoever joins it with runs looks each of them up.
-- Errors     as _next_run_state.
-- Called by  apply_results.
create or replace function perdure._next_run_states(p_results perdure.execution_result[])
returns table (
    run_id uuid, result perdure.execution_result, dispatcher text, claimed_at timestamptz, concurrency_limit_ids uuid[],
    status text, output json, due_at timestamptz, failure_count integer, idle_count integer, yielded_keys text[]
)
language plpgsql stable rows 1 set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select
        u.run_id, u::perdure.execution_result, l.dispatcher, l.claimed_at, l.concurrency_limit_ids,
        s.*
    from unnest(p_results) as u
    -- limit keeps this a look-up by index for each result, whatever the planner thinks of how few leases there are.
    left join lateral (select x.* from perdure.leases as x where x.run_id = u.run_id limit 1) as l on true
    cross join lateral (
        select
            'SUCCESS'::text as status, u.reply -> 'output' as output, null::timestamptz as due_at, 0 as failure_count,
            0 as idle_count, null::text[] as yielded_keys
        where u.verdict = 'REPLY' and u.reply_status = 'SUCCESS'
        union all
        select n.*
        from (
            select r.*
            from perdure.runs as r
            where r.id = u.run_id and r.lease_number = u.lease_number and r.status = 'EXECUTING'
            limit 1
        ) as r
        cross join lateral perdure._next_run_state(r::perdure.runs, u, l.claimed_at) as n
        where (u.verdict = 'REPLY' and u.reply_status = 'SUCCESS') is not true
    ) as s
    order by u.run_id;
end;
$$;
comment on function perdure._next_run_states(perdure.execution_result[]) is 'What results make of their runs.';
