-- _window_start: when a time that reaches until now begins that is shown in parts: at the beginning of a part, so that
-- the parts are the same whenever somebody looks.
-- Arguments  p_window  how long it is, a whole number of parts; null: there is no beginning;
--            p_bucket  how long a part is.
-- Errors     JQ010 invalid_argument: no part at all, or more than 400.
-- Called by  list_failure_groups, get_failure_group, get_overview.
create or replace function perdure._window_start(p_window interval, p_bucket interval)
returns timestamptz
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if p_window is null then
        return null;
    end if;
    if p_bucket is null or p_bucket <= interval '0' or p_window < p_bucket or p_window > p_bucket * 400 then
        raise exception using
            errcode = 'JQ010',
            message = format(
                'p_window must be 1 to 400 times p_bucket, not %s and %s', p_window, quote_nullable(p_bucket)
            );
    end if;
    return date_bin(p_bucket, perdure.clock(), timestamptz '1970-01-01 00:00:00+00') + p_bucket - p_window;
end;
$$;
comment on function perdure._window_start(interval, interval) is 'When a time begins that is shown in parts.';
