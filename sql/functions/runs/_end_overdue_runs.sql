-- _end_overdue_runs: end runs that have not ended in the time that their job allows. One that is executing is left to
-- _reap_leases: its lease ends at the same instant, and what that brings about (concurrency limits) is locked there.
-- Locks      runs, skip locked; then their tasks.
-- Called by  promote_due.
create or replace function perdure._end_overdue_runs(p_limit integer)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_ended_ids uuid[];
begin
    with ended as (
        update perdure.runs as r
        set
            status = 'TIMED_OUT',
            output = json_build_object('message', perdure._timeout_message(r.timeout_at)),
            completed_at = v_now,
            due_at = null,
            timeout_at = null,
            updated_at = v_now
        where
            r.id = any(array(
                select d.id
                from perdure.runs as d
                where d.timeout_at <= v_now and d.status <> 'EXECUTING'
                order by d.timeout_at, d.id
                limit p_limit
                for update skip locked
            ))
        returning r.id
    )
    select array_agg(e.id order by e.id) into v_ended_ids from ended as e;
    perform perdure._close_runs(v_ended_ids);
    perform perdure._record_failures(v_ended_ids);
end;
$$;
comment on function perdure._end_overdue_runs(integer) is 'End runs that took longer than their job allows.';
