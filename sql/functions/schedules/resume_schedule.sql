-- resume_schedule: let a schedule that is paused fire again. It begins now: an interval is counted from now on, a cron
-- expression fires at the first time that matches. What it would have fired meanwhile is not made up for; the next tick
-- says by its lastTimestamp since when. Resuming again changes nothing.
-- Returns    when it fires next; null: it is off, or the schedules of the environment are.
-- Errors     JQ001 not_found.
-- Locks      the environment, in share mode: set_schedules_enabled comes before or after; then the schedule.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.resume_schedule(p_environment_id uuid, p_schedule_id uuid)
returns timestamptz
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_schedule perdure.schedules := perdure._find_schedule(p_environment_id, p_schedule_id);
    v_enabled boolean;
begin
    select e.schedules_enabled into strict v_enabled
    from perdure.environments as e
    where e.id = p_environment_id
    for share;
    update perdure.schedules as s
    set
        paused_at = null,
        due_at = case when v_enabled and s.active then n.due_at end,
        active = s.active and n.problem is null,
        problem = coalesce(s.problem, case when s.active then n.problem end),
        updated_at = v_now
    from perdure.schedules as x
    cross join lateral perdure._try_next_fire(x, v_now) as n
    where x.id = v_schedule.id and s.id = x.id and s.paused_at is not null;
    if found then
        perform perdure._notify_dispatchers('due');
    end if;
    v_schedule := perdure._find_schedule(p_environment_id, p_schedule_id);
    return v_schedule.due_at;
end;
$$;
comment on function perdure.resume_schedule(uuid, uuid) is 'Let a schedule that is paused fire again.';
