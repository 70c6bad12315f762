-- _endpoint_request: a request for an app's endpoint: where it is, and how the request proves that it is the
-- platform's.
-- Arguments  p_headers, p_body  null: none; p_timeout_ms  null: as long as the endpoint may take for an execution.
-- Returns    null: there is no such endpoint.
-- Called by  the functions of those kinds that go to endpoints.
create or replace function perdure._endpoint_request(
    p_delivery perdure.deliveries, p_action text, p_headers json, p_body bytea, p_timeout_ms integer default null
)
returns perdure.delivery_request
language sql stable
begin atomic
    select
        row(
            p.url, p_action, 'POST', p_headers, p_body, coalesce(p_timeout_ms, p.timeout_ms),
            perdure.get_signing_secrets(p.environment_id), k.sealed_key
        )::perdure.delivery_request
    from perdure.endpoints as p
    left join perdure.api_keys as k
        on
            k.id = p.api_key_id and k.revoked_at is null
            and (k.expires_at is null or k.expires_at > perdure.clock())
    where p.id = (p_delivery).endpoint_id;
end;
comment on function perdure._endpoint_request(perdure.deliveries, text, json, bytea, integer)
is 'A request for an app''s endpoint.';
