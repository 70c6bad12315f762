-- _missing_connection_json: a connection that runs wait for, or waited for, as the app is told of it. The page at
-- authorizationUrl is the dashboard's; the id in it is all that a person needs to get there.
create or replace function perdure._missing_connection_json(p_missing perdure.missing_connections)
returns json
language sql stable
return (
    select
        perdure._json_object(
            perdure._member('id', to_json((p_missing).id)),
            perdure._member('type', to_json(case when a.id is null then 'DEVELOPER' else 'EXTERNAL' end)),
            perdure._member('client', perdure._json_object(
                perdure._member('id', to_json(g.slug)),
                perdure._member('title', to_json(g.title)),
                perdure._member('scopes', to_json(g.scopes)),
                perdure._member('createdAt', to_json(perdure._iso(g.created_at))),
                perdure._member('updatedAt', to_json(perdure._iso(g.updated_at))),
                perdure._member('integrationIdentifier', to_json(case when c.id is not null then g.service end)),
                perdure._member('integrationAuthMethod', to_json(c.auth_type))
            )),
            perdure._member('account', case when a.id is not null then
                json_build_object('id', a.identifier, 'metadata', a.metadata)
            end),
            perdure._member('authorizationUrl', case when (p_missing).resolved_at is null then to_json(
                    coalesce((select s.value from perdure.settings as s where s.name = 'public_url'), '')
                    || '/connections/authorize/' || (p_missing).id
                )
            end),
            -- The wire wants an instant, even of a token that does not expire.
            perdure._member('expiresAt', case when c.id is not null then
                to_json(coalesce(perdure._iso(c.expires_at), '9999-12-31T23:59:59.999Z'))
            end)
        )
    from perdure.integrations as g
    left join perdure.external_accounts as a on a.id = (p_missing).external_account_id
    left join perdure.connections as c
        on (p_missing).resolved_at is not null and c.id = perdure._connection_id(g.id, (p_missing).external_account_id)
    where g.id = (p_missing).integration_id
);
comment on function perdure._missing_connection_json(perdure.missing_connections)
is 'A connection that runs wait for, as the app is told of it.';
