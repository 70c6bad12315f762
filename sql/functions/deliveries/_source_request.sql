-- _source_request: SOURCE_REQUEST: what a provider sent, for the handler of the source; headers describe both, the body
-- is raw.
-- Called by  _delivery_request.
create or replace function perdure._source_request(p_delivery perdure.deliveries)
returns perdure.delivery_request
language sql stable
begin atomic
    select
        perdure._endpoint_request(
            p_delivery,
            'DELIVER_HTTP_SOURCE_REQUEST',
            perdure._json_object(
                perdure._member('content-type', to_json('application/octet-stream'::text)),
                perdure._member('x-ts-key', to_json(s.key)),
                perdure._member('x-ts-dynamic-id', to_json(t.slug)),
                perdure._member('x-ts-secret', to_json(s.secret)),
                perdure._member('x-ts-params', to_json(s.params::text)),
                perdure._member('x-ts-data', to_json(coalesce(s.data::text, 'null'))),
                perdure._member('x-ts-http-url', r.request -> 'url'),
                perdure._member('x-ts-http-method', r.request -> 'method'),
                perdure._member('x-ts-http-headers', to_json(perdure._unshield(r.request -> 'headers')::text)),
                perdure._member('x-ts-metadata', to_json(s.metadata::text))
            ),
            (p_delivery).body
        )
    from perdure.sources as s
    left join perdure.dynamic_triggers as t on t.id = s.dynamic_trigger_id
    cross join lateral (select perdure._shield((p_delivery).request) as request) as r
    where s.id = (p_delivery).subject_id;
end;
comment on function perdure._source_request(perdure.deliveries) is 'What a provider sent, for its handler.';
