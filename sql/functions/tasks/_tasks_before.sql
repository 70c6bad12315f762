-- _tasks_before: what a run that is done again from one task on takes over: finished tasks that were stored before that
-- one, with what is finished inside of them. Not what the task lies in, which is entered again. No log lines: the code
-- writes them as it passes. Nothing that was undone since (compensate), nor what lies in a callback that nobody has
-- answered, whose URL is over: that is to be done again.
-- Arguments  p_task_id  a task of the run.
-- Returns    a row for each task: is_kept, it keeps its result; false: it is done again, but has to be there for those
--            that lie in it.
-- Called by  _take_over_tasks.
create or replace function perdure._tasks_before(p_run_id uuid, p_task_id uuid)
returns table (id uuid, is_kept boolean)
language sql stable
begin atomic
    with recursive
    own as materialized (
        select
            t.id,
            t.parent_id,
            -- An ERRORED one without output did not fail: it was open when the run ended.
            (t.status = 'COMPLETED' or (t.status = 'ERRORED' and t.output is not null))
            and not exists (
                select 1
                from perdure.tasks as u
                where
                    u.run_id = p_run_id
                    and u.idempotency_key = perdure._task_key(
                        p_run_id, perdure._task_key(p_run_id, null, 'perdure:compensate'), 'undo:' || t.idempotency_key
                    )
                    and u.status = 'COMPLETED'
            ) as is_finished,
            t.callback_url is not null
            and not (t.status = 'COMPLETED' or (t.status = 'ERRORED' and t.output is not null)) as is_unanswered
        from perdure.tasks as t
        where t.run_id = p_run_id and not (t.noop and t.name = 'log')
    ),

    around as (
        select o.parent_id as id from own as o
        where o.id = p_task_id
        union all
        select o.parent_id from around as a
        inner join own as o on o.id = a.id
    ),

    void as (
        select o.id from own as o
        where o.is_unanswered
        union all
        select o.id from void as v
        inner join own as o on o.parent_id = v.id
    ),

    kept as (
        select
            o.id,
            o.parent_id
        from own as o
        where
            o.is_finished and o.id < p_task_id
            and o.id not in (select a.id from around as a where a.id is not null)
            and o.id not in (select v.id from void as v)
        union
        select
            o.id,
            o.parent_id
        from kept as k
        inner join own as o on o.parent_id = k.id and o.is_finished
    ),

    needed as (
        select
            k.id,
            k.parent_id
        from kept as k
        union
        select
            o.id,
            o.parent_id
        from needed as n
        inner join own as o on o.id = n.parent_id
    )

    select
        n.id,
        k.id is not null
    from needed as n
    left join kept as k on k.id = n.id;
end;
comment on function perdure._tasks_before(uuid, uuid) is 'What a run that is done again from a task takes over.';
