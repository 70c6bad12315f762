-- _store_schedule: store a schedule that is to fire. One whose timing is as it was goes on as it was; one that is new,
-- was off or has changed begins now. One that is paused stays so.
-- Arguments  p_job_id, p_dynamic_trigger_id  whose it is: one of them is null;
--            p_key       the job's slug, or the registration's key;
--            p_schedule  ScheduleMetadata, checked and shielded.
-- Locks      the environment, in share mode: set_schedules_enabled comes before or after; then the schedule.
-- Called by  _upsert_schedules, register_schedule.
create or replace function perdure._store_schedule(
    p_environment_id uuid, p_job_id uuid, p_dynamic_trigger_id uuid, p_key text, p_schedule json
)
returns perdure.schedules
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_timing constant perdure.schedules := perdure._schedule_timing(perdure._to_jsonb(p_schedule));
    v_enabled boolean;
    v_next record;
    v_schedule perdure.schedules;
begin
    select e.schedules_enabled into strict v_enabled
    from perdure.environments as e
    where e.id = p_environment_id
    for share;
    select n.* into strict v_next from perdure._try_next_fire(v_timing, v_now) as n;

    insert into perdure.schedules as s (
        id, environment_id, job_id, dynamic_trigger_id, key, type, seconds, cron, time_zone, external_account_id,
        metadata, active, due_at, problem, created_at, updated_at
    )
    values (
        coalesce(
            (
                select x.id
                from perdure.schedules as x
                where
                    x.environment_id = p_environment_id and x.job_id = p_job_id
                    or x.dynamic_trigger_id = p_dynamic_trigger_id and x.key = p_key
            ),
            perdure.new_id()
        ),
        p_environment_id, p_job_id, p_dynamic_trigger_id, p_key, v_timing.type, v_timing.seconds, v_timing.cron,
        v_timing.time_zone, perdure._upsert_external_account(p_environment_id, p_schedule ->> 'accountId'),
        perdure._unshield(p_schedule -> 'metadata'), v_next.problem is null,
        case when v_enabled then v_next.due_at end, v_next.problem, v_now, v_now
    )
    on conflict (id) do update
    set
        type = excluded.type,
        seconds = excluded.seconds,
        cron = excluded.cron,
        time_zone = excluded.time_zone,
        external_account_id = excluded.external_account_id,
        metadata = excluded.metadata,
        active = excluded.active,
        due_at = case
            when s.paused_at is not null then null
            when s.active and excluded.active
                and (s.type, s.seconds, s.cron, s.time_zone)
                is not distinct from (excluded.type, excluded.seconds, excluded.cron, excluded.time_zone) then s.due_at
            else excluded.due_at
        end,
        problem = excluded.problem,
        updated_at = v_now
    returning * into v_schedule;
    if v_schedule.due_at is not null then
        perform perdure._notify_dispatchers('due');
    end if;
    return v_schedule;
end;
$$;
comment on function perdure._store_schedule(uuid, uuid, uuid, text, json) is 'Store a schedule that is to fire.';
