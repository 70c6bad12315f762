-- _connection_auth_json: a connection with its token, still sealed, for those who can open it: server and dispatcher.
create or replace function perdure._connection_auth_json(p_connection perdure.connections)
returns json
language sql stable
return perdure._json_object(
    perdure._member('type', to_json((p_connection).auth_type)),
    perdure._member('sealedToken', to_json((p_connection).sealed_token)),
    perdure._member('scopes', to_json((p_connection).scopes)),
    perdure._member('additionalFields', (p_connection).additional_fields)
);
comment on function perdure._connection_auth_json(perdure.connections) is 'A connection with its sealed token.';
