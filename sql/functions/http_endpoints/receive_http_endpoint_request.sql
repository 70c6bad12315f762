-- receive_http_endpoint_request: take a request to an HTTP endpoint. One that the app wants to answer itself is handed
-- back first, for the server to ask the app and to call again. Else it becomes an event, or, when the HTTP endpoint is
-- a webhook's, a delivery to the app's handler. A request that names itself (header idempotency-key, else
-- x-request-id) becomes one event, however often it comes.
-- Arguments  p_environment_slug, p_shortcode  as the URL names the environment;
--            p_request   {url, method, headers: {name in lower case: text}, rawBody: text};
--            p_body      the body as it came, when rawBody cannot give it back: it is no UTF-8, or has a zero; null:
--            rawBody is the body;
--            p_answered  the app has answered it and lets it go on.
-- Returns    {outcome: 'ACCEPTED'}, or {outcome: 'ASK', environmentId, endpoint: its slug, key,
--            skipTriggeringRuns: true: the app's answer is all}; nothing is kept then.
-- Errors     JQ001 not_found: there is none, or it is switched off; JQ010 invalid_argument: the id that the request
--            gives itself is too long.
-- Called by  the server.
create or replace function perdure.receive_http_endpoint_request(
    p_http_endpoint_id uuid, p_environment_slug text, p_shortcode text, p_request json, p_body bytea default null,
    p_answered boolean default false
)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_request constant json := perdure._shield(p_request);
    v_endpoint perdure.http_endpoints;
    v_webhook perdure.webhooks;
begin
    select h.* into v_endpoint
    from perdure.http_endpoints as h
    inner join perdure.environments as e on e.id = h.environment_id
    where h.id = p_http_endpoint_id and h.enabled and e.slug = p_environment_slug and e.shortcode = p_shortcode;
    if not found then
        raise exception using
            errcode = 'JQ001', message = format('there is no HTTP endpoint %s', quote_nullable(p_http_endpoint_id));
    end if;

    if
        not p_answered and v_endpoint.immediate_response_filter is not null
        and perdure._passes_filters(
            'REQUEST', perdure._to_jsonb(v_request), null, v_endpoint.immediate_response_filter, null
        )
    then
        return (
            select json_build_object(
                'outcome', 'ASK',
                'environmentId', v_endpoint.environment_id,
                'endpoint', p.slug,
                'key', v_endpoint.key,
                'skipTriggeringRuns', v_endpoint.skip_triggering_runs
            )
            from perdure.endpoints as p
            where p.id = v_endpoint.endpoint_id
        );
    end if;

    select w.* into v_webhook from perdure.webhooks as w where w.http_endpoint_id = v_endpoint.id;
    if found then
        insert into perdure.deliveries (
            id, environment_id, kind, subject_id, endpoint_id, status, request, body, due_at, created_at
        )
        values (
            perdure.new_id(), v_webhook.environment_id, 'WEBHOOK_REQUEST', v_webhook.id, v_webhook.endpoint_id, 'PENDING',
            json_build_object(
                'url', v_request -> 'url', 'method', v_request -> 'method', 'headers', v_request -> 'headers'
            ),
            coalesce(p_body, convert_to(v_request ->> 'rawBody', 'UTF8')), v_now, v_now
        );
        perform perdure._notify_dispatchers('deliveries');
    else
        perform 1 from perdure.send_events(v_endpoint.environment_id, json_build_array(json_build_object(
            'id', v_endpoint.id || '.' || coalesce(
                nullif(v_request -> 'headers' ->> 'idempotency-key', ''),
                nullif(v_request -> 'headers' ->> 'x-request-id', ''),
                perdure.new_id()::text
            ),
            'name', 'httpendpoint.' || v_endpoint.key,
            'source', v_endpoint.source,
            'payloadType', 'REQUEST',
            'payload', v_request
        )));
    end if;
    return json_build_object('outcome', 'ACCEPTED');
end;
$$;
comment on function perdure.receive_http_endpoint_request(uuid, text, text, json, bytea, boolean)
is 'Take a request to an HTTP endpoint.';
