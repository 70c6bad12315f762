-- _next_fetch_at: when a request is sent again after a bad answer or none, by the retry strategies in the task's
-- params: for an answer the first whose status pattern and bodyFilter match; for a timeout timeout.retry; without a
-- connection the backoff for all, else three attempts.
-- Returns    null: not again. The limit counts all attempts, unless it is the service that says when: 100 then; and not
--            again when it does not say it.
-- Called by  _apply_fetch.
create or replace function perdure._next_fetch_at(p_task perdure.tasks, p_result json)
returns timestamptz
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_params constant json := perdure._shield(p_task.params);
    v_retry constant json := case json_typeof(v_params -> 'retry') when 'object' then v_params -> 'retry' else '{}' end;
    v_policy json;
    v_waits_for_headers boolean;
begin
    case p_result ->> 'verdict'
        when 'REPLY' then
            select s.value into v_policy
            from json_each(v_retry) with ordinality as s
            where
                perdure._status_matches(s.key, (p_result ->> 'httpStatus')::integer)
                and (
                    coalesce(json_typeof(s.value -> 'bodyFilter'), 'null') = 'null'
                    or coalesce(
                        perdure.event_matches(
                            (s.value -> 'bodyFilter')::jsonb, perdure._parse_json(p_result ->> 'body')
                        ), false
                    )
                )
            order by s.ordinality
            limit 1;
        when 'TIMEOUT' then
            v_policy := v_params -> 'timeout' -> 'retry';
        when 'UNREACHABLE' then
            v_policy := v_retry -> 'all';
            if
                v_policy ->> 'strategy' is distinct from 'backoff'
                or coalesce(json_typeof(v_policy -> 'bodyFilter'), 'null') <> 'null'
            then
                v_policy := '{"limit": 3}';
            end if;
        else  -- too large, or such that it cannot be sent: it would be so again
            return null;
    end case;

    v_waits_for_headers := v_policy ->> 'strategy' = 'headers' and p_result ->> 'verdict' = 'REPLY';
    if
        json_typeof(v_policy) is distinct from 'object'
        or p_task.attempt_count >= perdure._clamped(
            v_policy -> 'limit', case when v_waits_for_headers then 100 else 5 end, 0, 1000000
        )
    then
        return null;
    elsif v_waits_for_headers then
        return perdure._reset_at(
            p_result -> 'headers' ->> lower(v_policy ->> 'resetHeader'), v_policy ->> 'resetFormat'
        );
    end if;
    return v_now + perdure._retry_delay(v_policy, p_task.attempt_count);
end;
$$;
comment on function perdure._next_fetch_at(perdure.tasks, json) is 'When a request is sent again.';
