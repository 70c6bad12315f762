-- fire_schedule: let a schedule fire once, now, as if it were due: paused, switched off or neither. When it is due next
-- stays as it is; the tick that follows has this one as its lastTimestamp.
-- Returns    the id of the tick's event, as the API names events.
-- Errors     JQ001 not_found; JQ002 wrong_state: no job would be started, since they are disabled or gone.
-- Locks      the schedule.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.fire_schedule(p_environment_id uuid, p_schedule_id uuid)
returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_event_row_id constant uuid := perdure.new_id();
    v_schedule perdure.schedules := perdure._find_schedule(p_environment_id, p_schedule_id);
    v_at timestamptz;
    v_event_id text;
    v_job_ids uuid[];
begin
    select s.* into strict v_schedule from perdure.schedules as s where s.id = v_schedule.id for update;
    -- Its ticks are told apart by the millisecond.
    v_at := greatest(date_trunc('milliseconds', v_now), v_schedule.last_fired_at + interval '1 millisecond');
    v_event_id := format('%s:%s', v_schedule.id, floor(extract(epoch from v_at) * 1000)::bigint);
    if v_schedule.job_id is not null then
        v_job_ids := array[v_schedule.job_id];
    else
        v_job_ids := array(
            select j.job_id
            from perdure.dynamic_trigger_jobs as j
            where j.dynamic_trigger_id = v_schedule.dynamic_trigger_id
            order by j.job_id
        );
    end if;

    insert into perdure.events (
        id, environment_id, event_id, name, source, payload, payload_type, context, external_account_id,
        source_context, is_test, happened_at, deliver_at, delivered_at, created_at, updated_at
    )
    values (
        v_event_row_id, p_environment_id, v_event_id, 'dev.trigger.scheduled', 'trigger.dev',
        perdure._tick_payload(v_at, v_schedule.last_fired_at), 'JSON', '{}', v_schedule.external_account_id,
        perdure._json_object(
            perdure._member('id', to_json(v_schedule.key)), perdure._member('metadata', v_schedule.metadata)
        ),
        false, v_at, v_now, v_now, v_now, v_now
    );
    if perdure._start_runs(array(select v_event_row_id from unnest(v_job_ids)), v_job_ids) is null then
        raise exception using
            errcode = 'JQ002',
            message = format(
                'schedule %L would start nothing: its jobs are disabled in this environment, or gone', v_schedule.key
            );
    end if;
    update perdure.schedules as s set last_fired_at = v_at, updated_at = v_now where s.id = v_schedule.id;
    return v_event_id;
end;
$$;
comment on function perdure.fire_schedule(uuid, uuid) is 'Let a schedule fire once, now.';
