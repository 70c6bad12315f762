-- _apply_preprocess: PREPROCESS: the app has said what is to be shown of a run; now it may start.
-- Called by  _apply_delivery.
create or replace function perdure._apply_preprocess(p_delivery perdure.deliveries, p_result json)
returns perdure.delivery_effect
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_reply constant json := perdure._answer_document(p_result);
    v_problem text;
begin
    v_problem := perdure._endpoint_answer_problem(p_result, v_reply);
    if v_problem is null then
        update perdure.runs as r
        set properties = perdure._unshield(v_reply -> 'properties')
        where r.id = p_delivery.subject_id and r.status = 'PENDING';
        perform perdure._release_runs(array[p_delivery.subject_id]);
    end if;
    return row(v_problem, null, null)::perdure.delivery_effect;
end;
$$;
comment on function perdure._apply_preprocess(perdure.deliveries, json) is 'A run has its properties and may start.';
