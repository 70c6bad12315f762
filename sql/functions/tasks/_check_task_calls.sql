-- _check_task_calls: parse a batch of task calls; find out which may write, and why the others may not.
-- Reads the runs without locking them: a lease lost between this look and the write costs nothing, since a
-- task's result is recorded once, by whoever comes first.
-- Arguments  p_calls  JSON array of {environmentId, runId, leaseNumber?, taskId?, task?}.
-- Returns    the calls in order; one that may not write with its SQLSTATE and message: JQ001 not_found, JQ003
--            already_finished, JQ005 lease_lost.
-- Called by  upsert_tasks, finish_tasks.
create or replace function perdure._check_task_calls(p_calls json)
returns perdure.task_call[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_calls perdure.task_call[];
    v_run_ids uuid[];
begin
    select
        array_agg(row(
            i.ordinal, c."environmentId", c."runId", c."taskId", c."leaseNumber", coalesce(c.task, i.call), false,
            null, null
        )::perdure.task_call order by i.ordinal),
        array_agg(distinct c."runId")
    into v_calls, v_run_ids
    from json_array_elements(perdure._shield(p_calls)) with ordinality as i (call, ordinal)
    cross join lateral json_to_record(i.call) as c (
        "environmentId" uuid, "runId" uuid, "taskId" uuid, "leaseNumber" integer, task json
    );

    return (
        select array_agg(row(
            c.ordinal, c.environment_id, c.run_id, c.task_id, c.lease_number, c.body,
            coalesce(r.completed_at is not null, false),
            e.code,
            case e.code
                when 'JQ001' then format('there is no run %s in this environment', coalesce(c.run_id::text, 'null'))
                when 'JQ003' then format('run %s has already ended with %s', r.id, r.status)
                when 'JQ005' then format(
                    'lease %s of run %s is over: it is %s under lease %s',
                    c.lease_number, r.id, r.status, r.lease_number
                )
            end
        )::perdure.task_call order by c.ordinal)
        from unnest(v_calls) as c
        left join (
            select x.* from perdure.runs as x where x.id = any(v_run_ids)
        ) as r on r.id = c.run_id and r.environment_id = c.environment_id
        cross join lateral (
            select case
                when r.id is null then 'JQ001'
                when r.completed_at is not null and c.lease_number is not null then 'JQ003'
                when c.lease_number <> r.lease_number or (c.lease_number is not null and r.status <> 'EXECUTING')
                    then 'JQ005'
            end as code
        ) as e
    );
end;
$$;
comment on function perdure._check_task_calls(json) is 'Parse task calls; find out which may write.';
