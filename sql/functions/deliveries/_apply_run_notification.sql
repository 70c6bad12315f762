-- _apply_run_notification: RUN_NOTIFICATION: the app's listeners have been told, or have failed.
-- Called by  _apply_delivery.
create or replace function perdure._apply_run_notification(p_result json)
returns perdure.delivery_effect
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_problem text;
begin
    v_problem := perdure._answer_problem(p_result, '[200,201)');
    return row(v_problem, null, null)::perdure.delivery_effect;
end;
$$;
comment on function perdure._apply_run_notification(json) is 'The app''s listeners have been told.';
