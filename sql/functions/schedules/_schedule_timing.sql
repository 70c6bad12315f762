-- _schedule_timing: when a schedule fires, as its app describes it, in the columns type, seconds, cron and time_zone of
-- a row; the others are null.
-- Arguments  p_schedule  ScheduleMetadata, checked: {type: interval, options: {seconds}} or {type: cron, options:
--            {cron, timezone?: an IANA name; absent: UTC}}.
-- Called by  _store_schedule, _timing_problem, preview_schedule.
create or replace function perdure._schedule_timing(p_schedule jsonb)
returns perdure.schedules
language sql stable
return jsonb_populate_record(
    null::perdure.schedules,
    jsonb_build_object(
        'type', p_schedule ->> 'type',
        'seconds', case p_schedule ->> 'type'
            when 'interval' then (p_schedule -> 'options' -> 'seconds')::integer
        end,
        'cron', case p_schedule ->> 'type' when 'cron' then p_schedule -> 'options' ->> 'cron' end,
        'time_zone', coalesce(p_schedule -> 'options' ->> 'timezone', 'UTC')
    )
);
comment on function perdure._schedule_timing(jsonb) is 'When a schedule fires, as its app describes it.';
