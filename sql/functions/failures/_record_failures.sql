-- _record_failures: keep why runs failed that have just ended: those that were cancelled or succeeded are passed over.
-- The task named is the innermost one whose error the run's error repeats: an error that the job caught is not why it
-- failed. What the task redacts of its error is redacted here, too.
-- Arguments  p_run_ids  runs that have just become final, locked by the caller, their tasks closed; null: none.
-- Called by  apply_results, _end_unclaimable_runs, _end_overdue_runs.
create or replace function perdure._record_failures(p_run_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    if cardinality(p_run_ids) > 0 is not true then
        return;
    end if;
    insert into perdure.run_failures as f (
        run_id, environment_id, job_id, fingerprint, task_id, failed_at, status, error_name, message, task_key
    )
    select
        r.id, r.environment_id, r.job_id,
        perdure._failure_fingerprint(r.job_id, r.status, t.key, e.name, e.message),
        t.id, r.completed_at, r.status, e.name, e.message, t.key
    from perdure.runs as r
    cross join lateral (
        select perdure._failure_message(r.status, perdure._shield(r.output)) as message
    ) as o
    left join lateral (
        select x.id, x.redact, left(coalesce(x.display_key, x.name), 200) as key
        from perdure.tasks as x
        where
            x.run_id = r.id and x.status = 'ERRORED' and x.output is not null
            and position(
                left(perdure._failure_message(r.status, perdure._shield(x.output)), 200) in o.message
            ) > 0
        order by x.id desc
        limit 1
    ) as t on r.status = 'FAILURE'
    cross join lateral (select perdure._shield(perdure._redact(r.output, t.redact)) as output) as s
    cross join lateral (
        select
            left(case when json_typeof(s.output) = 'object' then s.output ->> 'name' end, 200) as name,
            perdure._failure_message(r.status, s.output) as message
    ) as e
    where
        r.id = any(p_run_ids)
        and r.status in ('FAILURE', 'TIMED_OUT', 'ABORTED', 'INVALID_PAYLOAD', 'UNRESOLVED_AUTH')
    on conflict (run_id) do update set
        fingerprint = excluded.fingerprint,
        task_id = excluded.task_id,
        failed_at = excluded.failed_at,
        status = excluded.status,
        error_name = excluded.error_name,
        message = excluded.message,
        task_key = excluded.task_key;
end;
$$;
comment on function perdure._record_failures(uuid[]) is 'Keep why runs failed that have just ended.';
