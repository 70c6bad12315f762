-- _settle_delivery: do what an answer means, and put the delivery into the state that follows.
-- Arguments  p_delivery  locked by the caller, PENDING; p_result  as in apply_delivery_results, shielded.
-- Returns    DELIVERED, PENDING (to be sent again) or FAILED.
-- Called by  apply_delivery_results, _settle_own_callbacks.
create or replace function perdure._settle_delivery(p_delivery perdure.deliveries, p_result json)
returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_final boolean := false;
    v_effect perdure.delivery_effect;
    v_again_at timestamptz;
begin
    begin
        v_effect := perdure._apply_delivery(p_delivery, p_result);
    exception
        -- What was answered is not acceptable: that is for the app's author to see, would be answered again, and is
        -- no reason to fail the others.
        when data_exception or integrity_constraint_violation or program_limit_exceeded or sqlstate 'JQ010' then
            v_final := true;
            v_effect := perdure._apply_delivery(p_delivery, json_build_object(
                'verdict', 'MALFORMED', 'message', format('The answer was refused: %s', sqlerrm),
                'durationMs', p_result -> 'durationMs'
            ));
    end;

    v_again_at := v_effect.again_at;
    if v_again_at is null and v_effect.problem is not null then
        if v_final or p_delivery.attempt_count >= (
            select perdure._attempt_limit(p_delivery.kind, e.type)
            from perdure.environments as e
            where e.id = p_delivery.environment_id
        ) then
            perform perdure._fail_delivery(p_delivery, v_effect.problem, v_effect.response);
            update perdure.deliveries as d
            set http_status = (p_result ->> 'httpStatus')::integer, duration_ms = (p_result ->> 'durationMs')::integer
            where d.id = p_delivery.id;
            return 'FAILED';
        end if;
        v_again_at := v_now + least(interval '1 second' * power(2, p_delivery.attempt_count), interval '1 hour');
    end if;
    update perdure.deliveries as d
    set
        status = case when v_again_at is null then 'DELIVERED' else 'PENDING' end,
        due_at = v_again_at,
        leased = false,
        completed_at = case when v_again_at is null then v_now end,
        response = v_effect.response,
        message = v_effect.problem,
        http_status = (p_result ->> 'httpStatus')::integer,
        duration_ms = (p_result ->> 'durationMs')::integer
    where d.id = p_delivery.id;
    return case when v_again_at is null then 'DELIVERED' else 'PENDING' end;
end;
$$;
comment on function perdure._settle_delivery(perdure.deliveries, json) is 'Do what an answer means.';
