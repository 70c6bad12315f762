-- _cron_check_time_zone: refuse what is no IANA time zone.
-- Postgres takes more: abbreviations such as PST, which know no daylight saving time, and POSIX rules such as
-- UTC+3, which lies west of Greenwich. So we ask for UTC or Area/Location; a digit there could begin a POSIX rule.
-- Errors     JQ010 invalid_argument.
-- Called by  next_cron_fire.
create or replace function perdure._cron_check_time_zone(p_time_zone text)
returns void
language plpgsql stable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
    if p_time_zone ~ '^([A-Za-z_-]+(/[A-Za-z_-]+)+|UTC|Etc/GMT[+-][0-9]|Etc/GMT[+-]1[0-2]|Etc/GMT-1[34])$' then
        perform timestamp '2000-01-01 00:00' at time zone p_time_zone;
        return;
    end if;
    raise exception using
        errcode = 'JQ010',
        message = format(
            'time zone must be UTC or an IANA name such as Europe/Berlin, not %s',
            coalesce(quote_literal(p_time_zone), 'null')
        );
exception
    when invalid_parameter_value then
        raise exception using
            errcode = 'JQ010',
            message = format('time zone %L is unknown: give UTC or an IANA name such as Europe/Berlin', p_time_zone);
end;
$$;
comment on function perdure._cron_check_time_zone(text) is 'Refuse what is no IANA time zone.';
