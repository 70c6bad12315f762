-- replay_event: send a stored event once more, now: with its name, payload, context and account, and a new id. What
-- listens today gets it. One that was made to start certain jobs, as a tick of a schedule or an invocation is, starts
-- those again.
-- Returns    the new event (ApiEventLog); perdure_views.events says of which it is the replay.
-- Errors     JQ001 not_found; JQ002 wrong_state: it is still to be delivered.
-- Locks      ephemeral subscriptions that match; no run rows.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.replay_event(p_environment_id uuid, p_event_id text)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_event constant perdure.events := perdure._find_event(p_environment_id, p_event_id);
    v_copy_id uuid;
begin
    if v_event.due_at is not null then
        raise exception using
            errcode = 'JQ002',
            message = format(
                'event %s is still to be delivered, at %s: it cannot be replayed before',
                quote_literal(p_event_id), perdure._iso(v_event.deliver_at)
            );
    end if;
    v_copy_id := perdure._copy_event(v_event.id, null);
    insert into perdure.event_replays (event_id, replayed_id) values (v_copy_id, v_event.id);
    perform perdure._deliver_events(array[v_copy_id]);

    if
        v_event.source = 'trigger.dev' and v_event.name in ('dev.trigger.scheduled', 'invoke')
        and not exists (select 1 from perdure.runs as r where r.event_id = v_copy_id)
    then
        perform perdure._start_runs(array_agg(v_copy_id order by s.job_id), array_agg(s.job_id order by s.job_id))
        from (select distinct r.job_id from perdure.runs as r where r.event_id = v_event.id) as s
        having count(*) > 0;
    end if;
    return (select perdure._event_json(e) from perdure.events as e where e.id = v_copy_id);
end;
$$;
comment on function perdure.replay_event(uuid, text) is 'Send a stored event once more.';
