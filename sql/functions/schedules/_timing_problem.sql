-- _timing_problem: what is wrong with a schedule as an app describes it.
-- Arguments  p_schedule  as of _schedule_timing, with accountId?.
-- Returns    the member, what it was and what is allowed; null: nothing.
-- Called by  _schedule_problem, register_schedule, preview_schedule.
create or replace function perdure._timing_problem(p_schedule jsonb)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_options constant jsonb := p_schedule -> 'options';
    v_problem constant text := case
        when coalesce(p_schedule ->> 'type', '') not in ('interval', 'cron')
            then format('type must be interval or cron, not %s', coalesce(p_schedule ->> 'type', 'absent'))
        when coalesce(jsonb_typeof(v_options), '') <> 'object'
            then 'options must be an object, such as {"seconds": 60} or {"cron": "30 9 * * MON-FRI"}'
        when jsonb_typeof(p_schedule -> 'accountId') not in ('string', 'null') or p_schedule ->> 'accountId' = ''
            then 'accountId must be a text that is not empty'
        when p_schedule ->> 'type' = 'interval' then case
            -- Not an "and": Postgres may read its sides in any order, and what is no number cannot be cast.
            when case jsonb_typeof(v_options -> 'seconds')
                when 'number' then
                    (v_options -> 'seconds')::numeric between 20 and 2592000
                    and (v_options -> 'seconds')::numeric % 1 = 0
            end is not true
                then format(
                    'options.seconds must be a whole number in 20..2592000 (30 days), not %s',
                    coalesce((v_options -> 'seconds')::text, 'absent')
                )
            when v_options ->> 'timezone' is not null
                then 'options.timezone must be absent: an interval is as long in every time zone'
        end
        when coalesce(jsonb_typeof(v_options -> 'cron'), '') <> 'string'
            then 'options.cron must be a text of five fields, such as "30 9 * * MON-FRI"'
        when jsonb_typeof(v_options -> 'timezone') not in ('string', 'null')
            then 'options.timezone must be a text such as "Europe/Berlin"'
    end;
begin
    if v_problem is null then
        perform perdure._next_fire(perdure._schedule_timing(p_schedule), perdure.clock(), perdure.clock());
    end if;
    return v_problem;
exception
    when sqlstate 'JQ010' or data_exception then
        return format('options: %s', sqlerrm);
end;
$$;
comment on function perdure._timing_problem(jsonb) is 'What is wrong with a schedule.';
