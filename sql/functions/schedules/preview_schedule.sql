-- preview_schedule: when a schedule would fire if it began at an instant: to look at it before it is used.
-- Arguments  p_schedule  {type: interval, options: {seconds}} or {type: cron, options: {cron, timezone?: an IANA name;
--            absent: UTC}};
--            p_count     how many fires, 1 to 1000; p_after  an instant; null: now.
-- Returns    a row for each fire, in order.
-- Errors     JQ010 invalid_argument: names the member.
-- Called by  apps in direct mode, psql.
create or replace function perdure.preview_schedule(
    p_schedule json, p_count integer default 10, p_after timestamptz default null
)
returns table (fires_at timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_schedule constant jsonb := perdure._to_jsonb(p_schedule);
    v_problem constant text := perdure._timing_problem(v_schedule);
    v_timing perdure.schedules;
begin
    perform perdure._check_limit('p_count', p_count);
    if v_problem is not null then
        raise exception using errcode = 'JQ010', message = 'p_schedule.' || v_problem;
    end if;
    v_timing := perdure._schedule_timing(v_schedule);
    fires_at := coalesce(p_after, perdure.clock());
    for _ in 1..p_count loop
        fires_at := perdure._next_fire(v_timing, fires_at, fires_at);
        return next;
    end loop;
end;
$$;
comment on function perdure.preview_schedule(json, integer, timestamptz) is 'When a schedule would fire.';
