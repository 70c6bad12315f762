-- _advance_bulk_action: do one step of the bulk action that waits longest. A step is one transaction, so whoever is
-- killed in it has done nothing. An error ends the action and nothing else: promote_due must go on.
-- Locks      the action (skip locked), then as cancel_run, rerun_run, continue_run. Calls may overlap.
-- Called by  promote_due.
create or replace function perdure._advance_bulk_action()
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_action perdure.bulk_actions;
    v_step record;
begin
    select a.* into v_action
    from perdure.bulk_actions as a
    where a.due_at <= v_now
    order by a.due_at
    limit 1
    for update skip locked;
    if not found then
        return;
    end if;
    begin
        select s.* into v_step from perdure._next_of_bulk_action(v_action) as s;
        perform perdure._apply_bulk_action(v_action, v_step.run_ids);
        update perdure.bulk_actions as a
        set
            searched_to = coalesce(v_step.searched_to, a.from_id),
            status = case when v_step.searched_to is null then 'COMPLETED' else a.status end,
            due_at = case when v_step.searched_to is not null then v_now end,
            completed_at = case when v_step.searched_to is null then v_now end,
            updated_at = v_now
        where a.id = v_action.id;
    exception
        when serialization_failure or deadlock_detected or lock_not_available then
            update perdure.bulk_actions as a set due_at = v_now + interval '1 second' where a.id = v_action.id;
        when others then
            update perdure.bulk_actions as a
            set status = 'FAILED', message = sqlerrm, due_at = null, completed_at = v_now, updated_at = v_now
            where a.id = v_action.id;
    end;
end;
$$;
comment on function perdure._advance_bulk_action() is 'Do one step of a bulk action.';
