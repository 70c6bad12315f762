-- _run_webhook_request: RUN_WEBHOOK: how a run ended, for a URL that wants to know; signed with the environment's keys.
-- Called by  _delivery_request.
create or replace function perdure._run_webhook_request(p_delivery perdure.deliveries)
returns perdure.delivery_request
language sql stable
return perdure._json_request(
    p_delivery,
    perdure.get_signing_secrets((p_delivery).environment_id),
    (
        select k.sealed_key
        from perdure.api_keys as k
        where
            k.environment_id = (p_delivery).environment_id and k.kind = 'SECRET' and k.revoked_at is null
            and (k.expires_at is null or k.expires_at > perdure.clock()) and k.sealed_key is not null
        order by k.id desc
        limit 1
    )
);
comment on function perdure._run_webhook_request(perdure.deliveries) is 'How a run ended, for a URL.';
