-- _end_due_waits: end waits and delays between attempts whose time has come. A run that is executing learns
-- of it when its reply comes.
-- Arguments  p_limit  most tasks to look at.
-- Returns    runs that may go on now: WAITING_TO_EXECUTE, to be queued by the caller.
-- Locks      runs before their tasks; a run locked by somebody else is left for the next call.
-- Called by  promote_due.
create or replace function perdure._end_due_waits(p_limit integer)
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_due_run_ids uuid[];
    v_run_ids uuid[];
begin
    select array_agg(distinct d.run_id) into v_due_run_ids
    from (
        select t.run_id from perdure.tasks as t where t.due_at <= v_now order by t.due_at, t.id limit p_limit
    ) as d;
    if v_due_run_ids is null then
        return '{}'::uuid[];
    end if;

    select array_agg(l.id) into v_run_ids
    from (
        select r.id from perdure.runs as r where r.id = any(v_due_run_ids) order by r.id for update skip locked
    ) as l;

    update perdure.tasks as t
    set
        status = case when t.noop then 'COMPLETED' else 'RUNNING' end,
        completed_at = case when t.noop then v_now end,
        due_at = null,
        updated_at = v_now
    where t.run_id = any(v_run_ids) and t.due_at <= v_now;

    with woken as (
        update perdure.runs as r
        set status = 'WAITING_TO_EXECUTE', updated_at = v_now
        where r.id = any(v_run_ids) and r.status = 'WAITING_TO_CONTINUE'
        returning r.id
    )
    select coalesce(array_agg(w.id order by w.id), '{}') into v_run_ids from woken as w;
    return v_run_ids;
end;
$$;
comment on function perdure._end_due_waits(integer) is 'End waits whose time has come.';
