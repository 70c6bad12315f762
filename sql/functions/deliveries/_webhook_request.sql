-- _webhook_request: WEBHOOK_REQUEST: what a provider sent, for the handler of the webhook.
-- Called by  _delivery_request.
create or replace function perdure._webhook_request(p_delivery perdure.deliveries)
returns perdure.delivery_request
language sql stable
begin atomic
    select
        perdure._endpoint_request(
            p_delivery,
            'DELIVER_WEBHOOK_REQUEST',
            json_build_object(
                'content-type', 'application/octet-stream',
                'x-ts-key', w.key,
                'x-ts-secret', w.secret,
                'x-ts-params', w.params::text,
                'x-ts-http-url', r.request -> 'url',
                'x-ts-http-method', r.request -> 'method',
                'x-ts-http-headers', perdure._unshield(r.request -> 'headers')::text
            ),
            (p_delivery).body
        )
    from perdure.webhooks as w
    cross join lateral (select perdure._shield((p_delivery).request) as request) as r
    where w.id = (p_delivery).subject_id;
end;
comment on function perdure._webhook_request(perdure.deliveries)
is 'What a provider sent, for the handler of the webhook.';
