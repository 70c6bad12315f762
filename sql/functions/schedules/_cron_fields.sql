-- _cron_fields: a cron expression, read and checked. docs/reference/cron.md has the grammar.
-- Returns    minutes, hours, days, months, weekdays: texts of marks, '1' at each value that matches; minutes and
--            hours from 0, days and months from 1, weekdays from Sunday;
--            needs_both_days: a day must match days and weekdays, else one of them is enough;
--            is_fixed: it names hours and minutes, so it fires once when the clocks repeat or skip them.
-- Errors     JQ010 invalid_argument: says what is wrong, and what is allowed.
-- Called by  next_cron_fire.
create or replace function perdure._cron_fields(
    p_cron text,
    out minutes text,
    out hours text,
    out days text,
    out months text,
    out weekdays text,
    out needs_both_days boolean,
    out is_fixed boolean
)
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    v_text constant text := btrim(upper(p_cron), E' \t\n\r');
    v_fields constant text[] := regexp_split_to_array(
        case v_text
            when '@YEARLY' then '0 0 1 1 *'
            when '@ANNUALLY' then '0 0 1 1 *'
            when '@MONTHLY' then '0 0 1 * *'
            when '@WEEKLY' then '0 0 * * 0'
            when '@DAILY' then '0 0 * * *'
            when '@MIDNIGHT' then '0 0 * * *'
            when '@HOURLY' then '0 * * * *'
            else v_text
        end,
        '[ \t\n\r]+'
    );
    v_day integer;
begin
    if cardinality(v_fields) <> 5 or v_text = '' or v_text is null then
        raise exception using
            errcode = 'JQ010',
            message = format(
                'cron must have five fields (minute, hour, day of month, month, day of week), '
                'such as "30 9 * * MON-FRI", or be @hourly, @daily, @weekly, @monthly or @yearly, not %s',
                coalesce(quote_literal(p_cron), 'null')
            );
    end if;
    minutes := perdure._cron_marks('minute', v_fields[1], 0, 59);
    hours := perdure._cron_marks('hour', v_fields[2], 0, 23);
    days := perdure._cron_marks('day of month', v_fields[3], 1, 31);
    months := perdure._cron_marks('month', v_fields[4], 1, 12, array[
        'JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'
    ]);
    weekdays := perdure._cron_marks('day of week', v_fields[5], 0, 7, array[
        'SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'
    ]);
    if right(weekdays, 1) = '1' then  -- 7 is Sunday, too
        weekdays := overlay(weekdays placing '1' from 1);
    end if;
    needs_both_days := v_fields[3] like '*%' or v_fields[5] like '*%';
    is_fixed := v_fields[1] not like '*%' and v_fields[2] not like '*%';

    v_day := strpos(days, '1');
    if needs_both_days
        and (v_day = 30 and months = '010000000000' or v_day = 31 and months ~ '^0.0.0.00.0.0$')
    then
        raise exception using
            errcode = 'JQ010',
            message = format(
                'cron: day of month %s never comes in month %s: take an earlier day', v_fields[3], v_fields[4]
            );
    end if;
end;
$$;
comment on function perdure._cron_fields(text) is 'A cron expression, read and checked.';
