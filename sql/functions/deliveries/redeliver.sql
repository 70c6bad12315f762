-- redeliver: hand a request that was kept to its receiver again, as a new delivery that names the old one. An event
-- that the first one brought is known by its id and starts nothing again.
-- Arguments  p_delivery_id  what came in for a source or a webhook (SOURCE_REQUEST, WEBHOOK_REQUEST), or how a run
--            ended (RUN_NOTIFICATION, RUN_WEBHOOK); finished, well or not.
-- Returns    the new delivery's id.
-- Errors     JQ001 not_found; JQ002 wrong_state: it is not finished, or of another kind.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.redeliver(p_environment_id uuid, p_delivery_id uuid)
returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_id constant uuid := perdure.new_id();
    v_delivery perdure.deliveries;
begin
    select d.* into v_delivery
    from perdure.deliveries as d
    where d.id = p_delivery_id and d.environment_id = p_environment_id;
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no delivery %s in this environment', quote_nullable(p_delivery_id));
    elsif v_delivery.kind not in ('SOURCE_REQUEST', 'WEBHOOK_REQUEST', 'RUN_NOTIFICATION', 'RUN_WEBHOOK') then
        raise exception using
            errcode = 'JQ002',
            message = format('a delivery of kind %s is not sent again: whoever asked for it goes on', v_delivery.kind);
    elsif v_delivery.status = 'PENDING' then
        raise exception using
            errcode = 'JQ002',
            message = format(
                'delivery %s is not finished: it is tried again by itself, at %s', p_delivery_id,
                perdure._iso(v_delivery.due_at)
            );
    end if;

    insert into perdure.deliveries (
        id, environment_id, kind, subject_id, endpoint_id, url, status, request, body, due_at, created_at, redelivered_id
    )
    values (
        v_id, p_environment_id, v_delivery.kind, v_delivery.subject_id,
        -- The app may have moved since.
        case v_delivery.kind
            when 'SOURCE_REQUEST'
                then (select s.endpoint_id from perdure.sources as s where s.id = v_delivery.subject_id)
            when 'WEBHOOK_REQUEST'
                then (select w.endpoint_id from perdure.webhooks as w where w.id = v_delivery.subject_id)
            else v_delivery.endpoint_id
        end,
        v_delivery.url, 'PENDING', v_delivery.request, v_delivery.body, v_now, v_now, p_delivery_id
    );
    perform perdure._notify_dispatchers('deliveries');
    return v_id;
end;
$$;
comment on function perdure.redeliver(uuid, uuid) is 'Hand a request that was kept to its receiver again.';
