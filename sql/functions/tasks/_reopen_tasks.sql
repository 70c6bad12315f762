-- _reopen_tasks: the tasks of a run that is continued: those that have a result keep it, the others are open again.
-- A failed try stays in the history. A pure wait is over. What somebody else is to end, a callback, an operation or an
-- effect of the platform, becomes CANCELED: it starts anew, with all that belongs to it, when the run comes to it. What
-- lies in a callback was about a URL that is over, such as to tell it to somebody: it goes, to be done again.
-- Arguments  p_run_id  locked by the caller.
-- Called by  continue_run.
create or replace function perdure._reopen_tasks(p_run_id uuid)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_reopened_ids uuid[];
begin
    -- Without an output it did not fail: it was open when the run ended.
    insert into perdure.task_attempts (task_id, number, error, ended_at, next_at)
    select t.id, t.attempt_count, t.output, t.completed_at, v_now
    from perdure.tasks as t
    where t.run_id = p_run_id and t.status = 'ERRORED' and t.output is not null;

    with reopened as (
        update perdure.tasks as t
        set
            status = 'RUNNING',
            attempt_count = t.attempt_count + case when t.status = 'ERRORED' and t.output is not null then 1 else 0 end,
            output = null,
            delay_until = null,
            completed_at = null,
            updated_at = v_now
        where t.run_id = p_run_id and t.status in ('ERRORED', 'CANCELED')
        returning t.id
    )
    select array_agg(r.id) into v_reopened_ids from reopened as r;

    update perdure.tasks as t
    set status = case when t.noop then 'COMPLETED' else 'CANCELED' end, completed_at = v_now
    where
        t.id = any(v_reopened_ids)
        and (t.noop or t.callback_url is not null or t.operation is not null or t.effect is not null);

    with recursive void as (
        select t.id from perdure.tasks as t where t.id = any(v_reopened_ids) and t.callback_url is not null
        union all
        select t.id from void as v inner join perdure.tasks as t on t.run_id = p_run_id and t.parent_id = v.id
    ),
    gone as (
        delete from perdure.tasks as t
        where t.id in (select v.id from void as v) and t.id <> all(v_reopened_ids)
        returning t.id
    )
    delete from perdure.task_attempts as a
    using gone as g
    where a.task_id = g.id;
end;
$$;
comment on function perdure._reopen_tasks(uuid) is 'Open the unfinished tasks of a run that is continued.';
