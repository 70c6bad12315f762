-- _apply_run_webhook: RUN_WEBHOOK: whoever wanted to know how a run ended has been told, or has not.
-- Called by  _apply_delivery.
create or replace function perdure._apply_run_webhook(p_result json)
returns perdure.delivery_effect
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_problem text;
begin
    v_problem := perdure._answer_problem(p_result);
    return row(v_problem, null, null)::perdure.delivery_effect;
end;
$$;
comment on function perdure._apply_run_webhook(json) is 'Somebody has been told how a run ended.';
