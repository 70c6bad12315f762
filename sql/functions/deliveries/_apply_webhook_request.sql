-- _apply_webhook_request: WEBHOOK_REQUEST: the handler has seen what a provider sent; it sends events by itself. What
-- it found, verified or not, is kept for people.
-- Called by  _apply_delivery.
create or replace function perdure._apply_webhook_request(p_result json)
returns perdure.delivery_effect
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_reply constant json := perdure._answer_document(p_result);
    v_problem text;
    v_response json;
begin
    v_problem := perdure._endpoint_answer_problem(p_result, v_reply);
    if v_problem is null then
        v_response := perdure._unshield(v_reply);
    end if;
    return row(v_problem, null, v_response)::perdure.delivery_effect;
end;
$$;
comment on function perdure._apply_webhook_request(json) is 'Keep what a handler found.';
