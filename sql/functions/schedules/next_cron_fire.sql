-- next_cron_fire: when a cron expression fires next. docs/reference/cron.md has the grammar and the rules.
-- When the clocks are put forward, a fixed time that they skip fires right after the gap; when they are put back, a
-- fixed time that they show twice fires the first time. An expression whose minute or hour begins with * fires at
-- every minute that the clocks show and that matches.
-- Arguments  p_cron       five fields, such as "30 9 * * MON-FRI", or @hourly, @daily, @weekly, @monthly, @yearly;
--            p_after      an instant;
--            p_time_zone  an IANA name, such as Europe/Berlin: whose clocks p_cron means.
-- Returns    the first fire after p_after; never p_after itself.
-- Errors     JQ010 invalid_argument: names the field or argument, and what is allowed; or it would not fire within
--            50 years.
-- Called by  the schedules; by people who want to see what an expression does.
create or replace function perdure.next_cron_fire(p_cron text, p_after timestamptz, p_time_zone text default 'UTC')
returns timestamptz
language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_cron record;
    v_shown timestamp;  -- what the clocks show at p_after
    v_time timestamp;  -- a time that matches
    v_first timestamptz;  -- when the clocks show it
    v_second timestamptz;  -- when they show it again; the same instant unless they are put back
    v_at timestamptz;
begin
    if p_after is null or not isfinite(p_after) then
        raise exception using
            errcode = 'JQ010',
            message = format('p_after must be an instant, not %s', coalesce(p_after::text, 'null'));
    end if;
    perform perdure._cron_check_time_zone(p_time_zone);
    select * into v_cron from perdure._cron_fields(p_cron);

    v_shown := p_after at time zone p_time_zone;
    v_time := v_shown;
    if not v_cron.is_fixed then
        -- The clocks may be about to show the last hour again: by so much earlier times are still to come.
        v_time := v_time - (v_shown at time zone p_time_zone - p_after);
    end if;
    v_time := date_trunc('minute', v_time);

    loop
        v_time := perdure._cron_next_time(
            v_time + interval '1 minute',
            v_cron.minutes,
            v_cron.hours,
            v_cron.days,
            v_cron.months,
            v_cron.weekdays,
            v_cron.needs_both_days
        );
        v_second := v_time at time zone p_time_zone;  -- of two instants Postgres takes the second
        if v_second at time zone p_time_zone = v_time then
            -- The first is where it would be had the clocks not changed since the day before.
            v_first := v_second
                - ((v_second - interval '24 hours') at time zone p_time_zone - (v_time - interval '24 hours'));
            if v_first at time zone p_time_zone <> v_time then
                v_first := v_second;
            end if;
            v_at := least(v_at, case
                when v_first > p_after then v_first
                when v_second > p_after and not v_cron.is_fixed then v_second
            end);
        elsif v_cron.is_fixed then  -- the clocks skip it: go on to the end of the gap
            while v_time at time zone p_time_zone at time zone p_time_zone <> v_time loop
                v_time := v_time + interval '1 minute';
            end loop;
            v_at := v_time at time zone p_time_zone;
        end if;
        exit when v_at is not null and v_time > v_shown;

        if v_time > v_shown + interval '50 years' then
            raise exception using
                errcode = 'JQ010',
                message = format('cron %L does not fire in %s within 50 years', p_cron, p_time_zone);
        end if;
    end loop;
    return v_at;
end;
$$;
comment on function perdure.next_cron_fire(text, timestamptz, text) is 'When a cron expression fires next.';
