-- _pause: stop what belongs to one scope. Runs that are executing finish their execution. Those in the queue are kept
-- back when their turn comes; those that a concurrency limit keeps back are the pause's from now on, so that others get
-- the free slots.
-- Arguments  p_environment_id        null: everything;
--            p_job_id                null: not one job; p_concurrency_limit_id  null: not a queue;
--            p_paused_by, p_reason   for people; null: not said.
-- Returns    {pausedAt, pausedBy?, reason?}: of this pause, or of the one that there was, which stays.
-- Locks      the environment, or for everything all of them; the runs kept back, skip locked.
-- Called by  pause_job, pause_queue, pause_environment, pause_everything.
create or replace function perdure._pause(
    p_environment_id uuid, p_job_id uuid, p_concurrency_limit_id uuid, p_paused_by text, p_reason text
)
returns json
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_pause perdure.pauses;
begin
    perform perdure._lock_configuration(p_environment_id);
    insert into perdure.pauses (
        id, environment_id, job_id, concurrency_limit_id, paused_by, reason, paused_at
    )
    values (
        perdure.new_id(), p_environment_id, p_job_id, p_concurrency_limit_id, nullif(p_paused_by, ''),
        nullif(p_reason, ''), perdure.clock()
    )
    on conflict do nothing
    returning * into v_pause;
    if found then
        update perdure.blocked_runs as b
        set concurrency_limit_id = null, pause_id = v_pause.id
        where
            b.run_id = any(array(
                select x.run_id
                from perdure.blocked_runs as x
                inner join perdure.runs as r on r.id = x.run_id
                inner join perdure.job_versions as v on v.id = r.job_version_id
                where
                    x.concurrency_limit_id is not null
                    and perdure._stops(v_pause, r.environment_id, r.job_id, v.concurrency_limit_id)
                order by x.run_id
                -- One that is locked is let go, or ends: the next claim decides.
                for update of x skip locked
            ));
        perform perdure._refresh_plain_starts(p_environment_id);
    else
        select z.* into v_pause
        from perdure.pauses as z
        where
            z.environment_id is not distinct from p_environment_id
            and z.job_id is not distinct from p_job_id
            and z.concurrency_limit_id is not distinct from p_concurrency_limit_id;
    end if;
    return perdure._json_object(
        perdure._member('pausedAt', to_json(perdure._iso(v_pause.paused_at))),
        perdure._member('pausedBy', to_json(v_pause.paused_by)),
        perdure._member('reason', to_json(v_pause.reason))
    );
end;
$$;
comment on function perdure._pause(uuid, uuid, uuid, text, text) is 'Stop what belongs to one scope.';
