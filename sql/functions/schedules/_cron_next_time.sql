-- _cron_next_time: the first time that matches a cron expression, of a clock that is never put forward or back.
-- Arguments  p_from  a whole minute; it counts;
--            the others  what _cron_fields returns.
-- Called by  next_cron_fire.
create or replace function perdure._cron_next_time(
    p_from timestamp,
    p_minutes text,
    p_hours text,
    p_days text,
    p_months text,
    p_weekdays text,
    p_needs_both_days boolean
)
returns timestamp
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    v_at timestamp := p_from;
    v_is_day boolean;
    v_is_weekday boolean;
    v_step integer;  -- hours or minutes to go, and 1; 0: there is none until the day or hour ends
begin
    -- From the month down: where a field does not match, go on to the first time at which it may.
    loop
        if substr(p_months, date_part('month', v_at)::integer, 1) = '0' then
            v_at := date_trunc('month', v_at) + interval '1 month';
            continue;
        end if;

        v_is_day := substr(p_days, date_part('day', v_at)::integer, 1) = '1';
        v_is_weekday := substr(p_weekdays, date_part('dow', v_at)::integer + 1, 1) = '1';
        if not (v_is_day or v_is_weekday) or p_needs_both_days and not (v_is_day and v_is_weekday) then
            v_at := date_trunc('day', v_at) + interval '1 day';
            continue;
        end if;

        v_step := strpos(substr(p_hours, date_part('hour', v_at)::integer + 1), '1');
        if v_step = 0 then
            v_at := date_trunc('day', v_at) + interval '1 day';
            continue;
        elsif v_step > 1 then
            v_at := date_trunc('hour', v_at) + make_interval(hours => v_step - 1);
        end if;

        v_step := strpos(substr(p_minutes, date_part('minute', v_at)::integer + 1), '1');
        exit when v_step > 0;
        v_at := date_trunc('hour', v_at) + interval '1 hour';
    end loop;
    return v_at + make_interval(mins => v_step - 1);
end;
$$;
comment on function perdure._cron_next_time(timestamp, text, text, text, text, text, boolean)
is 'The first time that matches a cron expression.';
