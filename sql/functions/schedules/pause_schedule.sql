-- pause_schedule: let a schedule not fire until it is resumed. It stays paused when its app is read again, also with
-- another timing, and when the schedules of the environment are switched off and on. Pausing again changes nothing.
-- Arguments  p_schedule_id  as in perdure_views.schedules.
-- Errors     JQ001 not_found.
-- Locks      the schedule.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.pause_schedule(p_environment_id uuid, p_schedule_id uuid)
returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_schedule constant perdure.schedules := perdure._find_schedule(p_environment_id, p_schedule_id);
begin
    update perdure.schedules as s
    set paused_at = v_now, due_at = null, updated_at = v_now
    where s.id = v_schedule.id and s.paused_at is null;
end;
$$;
comment on function perdure.pause_schedule(uuid, uuid) is 'Let a schedule not fire until it is resumed.';
