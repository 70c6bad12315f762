-- _fire_due_schedules: fire the schedules that are due: an event for each, which starts its job, or all jobs of its
-- dynamic trigger, whatever events these listen to; then the next fire is the first after now. So there is one tick
-- after an outage, however many it missed, and late ticks do not shift those that follow. One that cannot go on is
-- switched off with the reason.
-- The event's id is made of the schedule and the time of the tick: there is one event for a tick, and one start.
-- A dynamic schedule that no job has any more ticks without an event.
-- Returns    how many fired.
-- Locks      due schedules in (due_at, id) order, skip locked.
-- Called by  promote_due.
create or replace function perdure._fire_due_schedules(p_limit integer)
returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_count integer;
    v_event_ids uuid[];
    v_job_ids uuid[];
begin
    with due as materialized (
        select s.*
        from perdure.schedules as s
        where s.due_at <= v_now
        order by s.due_at, s.id
        limit p_limit
        for update skip locked
    ),
    moved as (
        update perdure.schedules as s
        set
            last_fired_at = d.due_at,
            due_at = n.due_at,
            active = n.problem is null,
            problem = n.problem,
            updated_at = v_now
        from due as d
        cross join lateral perdure._try_next_fire(d::perdure.schedules, d.due_at) as n
        where s.id = d.id
    ),
    ticks as materialized (
        select
            d.*,
            perdure.new_id() as event_row_id,
            d.id || ':' || floor(extract(epoch from d.due_at) * 1000)::bigint as event_id,
            case
                when d.job_id is not null then array[d.job_id]
                else array(
                    select j.job_id
                    from perdure.dynamic_trigger_jobs as j
                    where j.dynamic_trigger_id = d.dynamic_trigger_id
                    order by j.job_id
                )
            end as job_ids
        from due as d
    ),
    stored as (
        insert into perdure.events (
            id, environment_id, event_id, name, source, payload, payload_type, context, external_account_id,
            source_context, is_test, happened_at, deliver_at, delivered_at, created_at, updated_at
        )
        select
            t.event_row_id, t.environment_id, t.event_id, 'dev.trigger.scheduled', 'trigger.dev',
            perdure._tick_payload(t.due_at, t.last_fired_at), 'JSON', '{}', t.external_account_id,
            perdure._json_object(
                perdure._member('id', to_json(t.key)), perdure._member('metadata', t.metadata)
            ),
            false, t.due_at, v_now, v_now, v_now, v_now
        from ticks as t
        where t.job_ids <> '{}'
        order by t.event_id collate "C"
        on conflict (environment_id, event_id) do nothing
        returning id
    ),
    starts as (
        select t.due_at, t.event_row_id, j.job_id
        from ticks as t
        inner join stored as e on e.id = t.event_row_id
        cross join lateral unnest(t.job_ids) as j (job_id)
    )
    select
        (select count(*) from due),
        (select array_agg(s.event_row_id order by s.due_at, s.event_row_id, s.job_id) from starts as s),
        (select array_agg(s.job_id order by s.due_at, s.event_row_id, s.job_id) from starts as s)
    into v_count, v_event_ids, v_job_ids;

    if v_event_ids is not null then
        perform perdure._start_runs(v_event_ids, v_job_ids);
    end if;
    return v_count;
end;
$$;
comment on function perdure._fire_due_schedules(integer) is 'Fire the schedules that are due.';
