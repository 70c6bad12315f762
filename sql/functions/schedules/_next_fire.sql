-- _next_fire: when a schedule fires next.
-- Arguments  p_timing    its type, seconds, cron and time_zone count;
--            p_previous  when it was due before, or begins: intervals are counted from there;
--            p_now       an instant.
-- Returns    the first fire after p_now.
-- Errors     JQ010 invalid_argument: as next_cron_fire and next_interval_fire. Also for what was taken once: countries
--            change their clocks, and what they never show does not fire.
-- Called by  _try_next_fire, _timing_problem, preview_schedule, list_next_fires.
create or replace function perdure._next_fire(p_timing perdure.schedules, p_previous timestamptz, p_now timestamptz)
returns timestamptz
language sql stable
begin atomic
    select case (p_timing).type
        when 'interval' then perdure.next_interval_fire(p_previous, (p_timing).seconds, p_now)
        else perdure.next_cron_fire((p_timing).cron, p_now, (p_timing).time_zone)
    end;
end;
comment on function perdure._next_fire(perdure.schedules, timestamptz, timestamptz) is 'When a schedule fires next.';
