-- register_webhook: have a webhook registered at its provider anew, as if it had never been. Requests that come
-- meanwhile are taken.
-- Arguments  p_webhook_id  as in perdure_views.webhooks.
-- Returns    the id of the event that asks for it, as the API names events.
-- Errors     JQ001 not_found; JQ002 wrong_state: the app does not name it any more, or the server's public URL is not
--            known yet.
-- Locks      the webhook.
-- Called by  the server, psql.
create or replace function perdure.register_webhook(p_environment_id uuid, p_webhook_id uuid)
returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_webhook perdure.webhooks;
begin
    update perdure.webhooks as w
    set active = false, updated_at = perdure.clock()
    where w.id = p_webhook_id and w.environment_id = p_environment_id
    returning * into v_webhook;
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no webhook %s in this environment', quote_nullable(p_webhook_id));
    elsif v_webhook.http_endpoint_id is null then
        raise exception using
            errcode = 'JQ002', message = format('webhook %L is wanted no more: its app does not name it', v_webhook.key);
    end if;
    perform perdure._register_webhooks(array[p_webhook_id]);
    return (
        select e.event_id
        from perdure.webhooks as w
        inner join perdure.events as e on e.id = w.registration_event_id
        where w.id = p_webhook_id
    );
end;
$$;
comment on function perdure.register_webhook(uuid, uuid) is 'Have a webhook registered at its provider anew.';
