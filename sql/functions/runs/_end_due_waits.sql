-- _end_due_waits: end waits, delays between attempts and patience with callbacks whose time has come. A run that is
-- executing learns of it when its reply comes.
-- Arguments  p_limit  most tasks to look at.
-- Returns    runs that go on now; they are queued.
-- Locks      runs before their tasks; a run locked by somebody else is left for the next call.
-- Called by  promote_due.
create or replace function perdure._end_due_waits(p_limit integer)
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_due_run_ids uuid[];
    v_no_callback constant json := to_json('Remote callback timeout - no requests received'::text);
    v_run_ids uuid[];
    v_task_ids uuid[];
    v_operation_ids uuid[];
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

    with ended as (
        update perdure.tasks as t
        set (status, output, completed_at, due_at, updated_at) = (
            select
                n.status,
                case when n.status = 'ERRORED' then v_no_callback else t.output end,
                case when n.status in ('COMPLETED', 'ERRORED') then v_now end,
                case when n.status = 'WAITING' then t.callback_timeout_at end,
                v_now
            from (
                select case
                    when t.callback_timeout_at <= v_now then 'ERRORED'
                    -- A delay between attempts is over: the call is still waited for, by the code that asked for it.
                    when t.callback_url is not null then 'WAITING'
                    when t.noop then 'COMPLETED'
                    else 'RUNNING'
                end as status
            ) as n
        )
        where t.run_id = any(v_run_ids) and t.due_at <= v_now
        returning t.id, t.status = 'RUNNING' and t.operation is not null as begins
    )
    select array_agg(e.id) filter (where not e.begins), array_agg(e.id) filter (where e.begins)
    into v_task_ids, v_operation_ids
    from ended as e;
    -- What the platform performs is performed now; the run goes on when that is done.
    if v_operation_ids is not null then
        perform perdure._begin_operations(v_operation_ids);
    end if;
    return perdure._wake_runs(v_task_ids);
end;
$$;
comment on function perdure._end_due_waits(integer) is 'End waits whose time has come.';
