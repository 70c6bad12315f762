-- _end_unanswered_deliveries: give up what was handed out often and never answered: the receiver, or whoever asks it,
-- dies of it. A task's request may go out hundreds of times, but come back it must, too.
-- Arguments  p_ids  locked by the caller.
-- Locks      the runs of tasks whose requests are given up, in id order, then the tasks.
-- Called by  claim_deliveries.
create or replace function perdure._end_unanswered_deliveries(p_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_ids constant uuid[] := array(
        select d.id
        from perdure.deliveries as d
        where
            d.id = any(p_ids) and d.attempt_count >= 14 and d.status = 'PENDING'
            and d.attempt_count - perdure._answers_to_fetch(d) >= 14
    );
begin
    if v_ids = '{}' then
        return;
    end if;
    perform perdure._lock_runs_of(array(
        select d.subject_id from perdure.deliveries as d where d.id = any(v_ids) and d.kind = 'FETCH'
    ));
    perform perdure._fail_delivery(d, format(
        'None of %s attempts was answered; the last: %s', d.attempt_count - perdure._answers_to_fetch(d), d.message
    ))
    from perdure.deliveries as d
    where d.id = any(v_ids);
end;
$$;
comment on function perdure._end_unanswered_deliveries(uuid[]) is 'Give up what was never answered.';
