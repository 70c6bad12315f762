-- next_interval_fire: when a schedule with an interval fires next: a whole number of intervals after p_previous, so
-- that late fires do not shift those that follow, and what is past is left out.
-- Arguments  p_previous  when it fired before, or was made;
--            p_seconds   the interval; 20..2592000, which is 30 days;
--            p_now       an instant.
-- Returns    the first fire after p_now, at least one interval after p_previous.
-- Errors     JQ010 invalid_argument: an argument is missing or out of range.
-- Called by  the schedules.
create or replace function perdure.next_interval_fire(p_previous timestamptz, p_seconds integer, p_now timestamptz)
returns timestamptz
language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if p_seconds is null or p_seconds not between 20 and 2592000 then
        raise exception using
            errcode = 'JQ010',
            message = format(
                'seconds must be in 20..2592000 (30 days), not %s', coalesce(p_seconds::text, 'null')
            );
    end if;
    if (isfinite(p_previous) and isfinite(p_now)) is not true then
        raise exception using errcode = 'JQ010', message = 'p_previous and p_now must be instants';
    end if;
    -- div() on numeric is exact, which a quotient of doubles is not.
    return p_previous + make_interval(
        secs => p_seconds * greatest(div(extract(epoch from p_now - p_previous), p_seconds) + 1, 1)::double precision
    );
end;
$$;
comment on function perdure.next_interval_fire(timestamptz, integer, timestamptz)
is 'When a schedule with an interval fires next.';
