-- _apply_event: EVENT: an ephemeral subscription has got its event; it has done its duty.
-- Called by  _apply_delivery.
create or replace function perdure._apply_event(p_delivery perdure.deliveries, p_result json)
returns perdure.delivery_effect
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_problem text;
begin
    v_problem := perdure._answer_problem(p_result);
    if v_problem is null then
        perform perdure._end_ephemeral_dispatcher(p_delivery.subject_id);
    end if;
    return row(v_problem, null, null)::perdure.delivery_effect;
end;
$$;
comment on function perdure._apply_event(perdure.deliveries, json) is 'An ephemeral subscription has got its event.';
