-- _apply_probe: PROBE: how long the host let the function live, whether it ended by itself or was cut off, is how long
-- an execution may take there: 10 s at least, 120 s at most. An answer sooner than that which is no good one is about
-- something else; so is it when no connection was made, which is known after 10 s.
-- Called by  _apply_delivery.
create or replace function perdure._apply_probe(p_delivery perdure.deliveries, p_result json)
returns perdure.delivery_effect
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_duration_ms constant integer := coalesce((p_result ->> 'durationMs')::integer, 0);
    v_problem text;
    v_response json;
begin
    v_problem := perdure._answer_problem(p_result, '[200,201)');
    if
        v_problem is null
        or v_duration_ms >= (case p_result ->> 'verdict' when 'REPLY' then 10000 else 12000 end)
    then
        v_problem := null;
        v_response := json_build_object('durationMs', v_duration_ms);
        update perdure.endpoints as p
        set execution_limit_ms = least(greatest(v_duration_ms, 10000), 120000), updated_at = perdure.clock()
        where p.id = p_delivery.endpoint_id;
    end if;
    return row(v_problem, null, v_response)::perdure.delivery_effect;
end;
$$;
comment on function perdure._apply_probe(perdure.deliveries, json) is 'Learn how long a host lets a function live.';
