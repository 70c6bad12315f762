-- _answers_to_fetch: how many attempts of a delivery that is still to be sent for a task have come back, with an answer
-- or without: failed attempts of the task, or what a poll saw. 0 for a delivery of another kind.
-- Called by  _end_unanswered_deliveries.
create or replace function perdure._answers_to_fetch(p_delivery perdure.deliveries)
returns bigint
language sql stable
begin atomic
    select count(*)
    from perdure.tasks as t
    cross join
        lateral (
            select a.task_id
            from perdure.task_attempts as a
            where a.task_id = t.id and a.ended_at >= (p_delivery).created_at
            union all
            select c.id
            from perdure.tasks as c
            where c.run_id = t.run_id and c.parent_id = t.id and c.created_at >= (p_delivery).created_at
        ) as b
    where (p_delivery).kind = 'FETCH' and t.id = (p_delivery).subject_id;
end;
comment on function perdure._answers_to_fetch(perdure.deliveries) is 'How many attempts of a fetch have come back.';
