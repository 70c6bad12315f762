-- delivery_request: what a dispatcher is to send for a delivery, as the function of its kind says. Not stored.
create type perdure.delivery_request as (
    url text,
    action text,  -- x-trigger-action of a request to an app's endpoint; null: the receiver is outside
    method text,
    headers json,  -- object of texts, without those of the protocol and of the signature; null: none
    body bytea,  -- null: none
    timeout_ms integer,  -- for the whole exchange
    signing_secrets bytea [],  -- sign the request with each; null: it is not signed
    sealed_api_key text  -- the environment's key as keep_sealed_key got it; null: not needed, or not kept
);
comment on type perdure.delivery_request is 'What a dispatcher is to send for a delivery.';
