-- probe_endpoint: find out how long an endpoint's host lets a function live: it is asked to sleep for two minutes. From
-- then on executions are told to yield before that.
-- Returns    the delivery: perdure_views.deliveries shows what came of it.
-- Errors     JQ001 not_found.
-- Called by  the server, people.
create or replace function perdure.probe_endpoint(p_endpoint_id uuid)
returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_id uuid;
begin
    insert into perdure.deliveries as d (
        id, environment_id, kind, subject_id, endpoint_id, status, due_at, created_at
    )
    select perdure.new_id(), p.environment_id, 'PROBE', p.id, p.id, 'PENDING', v_now, v_now
    from perdure.endpoints as p
    where p.id = p_endpoint_id
    returning d.id into v_id;
    if v_id is null then
        raise exception using
            errcode = 'JQ001', message = format('there is no endpoint %s', quote_nullable(p_endpoint_id));
    end if;
    perform perdure._notify_dispatchers('deliveries');
    return v_id;
end;
$$;
comment on function perdure.probe_endpoint(uuid) is 'Find out how long a host lets a function live.';
