-- _schedule_index: have an endpoint's jobs read later on. The periodic reading that lies ahead is done with it.
-- Arguments  p_cause  as in endpoint_indexes; p_reason, p_data  said by who wants it, or null.
-- Returns    the id of the index, which stays PENDING until the app has answered.
-- Errors     JQ001 not_found.
-- Locks      the endpoint.
-- Called by  request_index, _record_index.
create or replace function perdure._schedule_index(
    p_endpoint_id uuid, p_delay interval, p_cause text, p_reason text, p_data json
)
returns uuid
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_id constant uuid := perdure.new_id();
    v_environment_id uuid;
begin
    select p.environment_id into v_environment_id from perdure.endpoints as p where p.id = p_endpoint_id for update;
    if not found then
        raise exception using
            errcode = 'JQ001', message = format('there is no endpoint %s', quote_nullable(p_endpoint_id));
    end if;
    with dropped as (
        delete from perdure.deliveries as d
        using perdure.endpoint_indexes as x
        where
            x.endpoint_id = p_endpoint_id and x.status = 'PENDING' and x.cause = 'SCHEDULE'
            and d.subject_id = x.id and d.kind = 'INDEX' and d.attempt_count = 0
        returning x.id
    )
    delete from perdure.endpoint_indexes as x using dropped as d where x.id = d.id;

    insert into perdure.endpoint_indexes (id, endpoint_id, status, cause, reason, data, created_at, updated_at)
    values (v_id, p_endpoint_id, 'PENDING', p_cause, p_reason, p_data, v_now, v_now);
    insert into perdure.deliveries (
        id, environment_id, kind, subject_id, endpoint_id, status, due_at, created_at
    )
    values (perdure.new_id(), v_environment_id, 'INDEX', v_id, p_endpoint_id, 'PENDING', v_now + p_delay, v_now);
    perform perdure._notify_dispatchers('due');
    return v_id;
end;
$$;
comment on function perdure._schedule_index(uuid, interval, text, text, json)
is 'Have an endpoint''s jobs read later on.';
