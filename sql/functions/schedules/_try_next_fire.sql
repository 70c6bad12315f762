-- _try_next_fire: when a schedule fires next after now, or why it does not: one that cannot go on must not stop the
-- others.
-- Arguments  p_timing, p_previous  as of _next_fire.
-- Returns    due_at, and problem null; or the other way round.
-- Called by  _store_schedule, _fire_due_schedules, set_schedules_enabled, resume_schedule.
create or replace function perdure._try_next_fire(
    p_timing perdure.schedules, p_previous timestamptz, out due_at timestamptz, out problem text
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    due_at := perdure._next_fire(p_timing, p_previous, perdure.clock());
exception
    when sqlstate 'JQ010' or data_exception then
        problem := sqlerrm;
end;
$$;
comment on function perdure._try_next_fire(perdure.schedules, timestamptz)
is 'When a schedule fires next, or why it does not.';
