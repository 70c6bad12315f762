-- _connection_json: a connection as the API shows it: never its token, nor the additional fields, which may be secret.
create or replace function perdure._connection_json(p_connection perdure.connections)
returns json
language sql stable
return (
    select
        perdure._json_object(
            perdure._member('id', to_json((p_connection).id)),
            perdure._member('integration', to_json(g.slug)),
            perdure._member('accountId', to_json(a.identifier)),
            perdure._member('type', to_json((p_connection).auth_type)),
            perdure._member('scopes', to_json((p_connection).scopes)),
            perdure._member('metadata', (p_connection).metadata),
            perdure._member('expiresAt', to_json(perdure._iso((p_connection).expires_at))),
            perdure._member('createdAt', to_json(perdure._iso((p_connection).created_at))),
            perdure._member('updatedAt', to_json(perdure._iso((p_connection).updated_at)))
        )
    from perdure.integrations as g
    left join perdure.external_accounts as a on a.id = (p_connection).external_account_id
    where g.id = (p_connection).integration_id
);
comment on function perdure._connection_json(perdure.connections) is 'A connection as the API shows it.';
