-- list_next_fires: when schedules fire next. For one that is paused or off: when it would, if it began now.
-- Arguments  p_schedule_ids  those of other environments, and those that cannot fire any more, have no rows;
--            p_count         how many fires of each, 1 to 1000.
-- Returns    a row for each fire, in order.
-- Errors     JQ010 invalid_argument: p_count is null or out of range.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.list_next_fires(
    p_environment_id uuid, p_schedule_ids uuid[], p_count integer default 5
)
returns table (schedule_id uuid, fires_at timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_schedule perdure.schedules;
begin
    perform perdure._check_limit('p_count', p_count);
    for v_schedule in
        select s.*
        from perdure.schedules as s
        where s.id = any(p_schedule_ids) and s.environment_id = p_environment_id
        order by s.id
    loop
        schedule_id := v_schedule.id;
        fires_at := v_schedule.due_at;
        for i in 1..p_count loop
            if i > 1 or fires_at is null then
                begin
                    fires_at := perdure._next_fire(
                        v_schedule, coalesce(fires_at, v_now), greatest(coalesce(fires_at, v_now), v_now)
                    );
                exception
                    when sqlstate 'JQ010' or data_exception then
                        exit;
                end;
            end if;
            return next;
        end loop;
    end loop;
end;
$$;
comment on function perdure.list_next_fires(uuid, uuid[], integer) is 'When schedules fire next.';
