-- _connection_id: whose account at a service is meant: an end user's own, or else the developer's. What is done for an
-- end user never uses the developer's account instead.
-- Arguments  p_external_account_id  null: the developer.
-- Returns    connections.id; null: there is no connection.
create or replace function perdure._connection_id(p_integration_id uuid, p_external_account_id uuid)
returns uuid
language sql stable
return (
    select c.id
    from perdure.connections as c
    where
        c.integration_id = p_integration_id
        -- as in connections_owner_key
        and coalesce(c.external_account_id, '00000000-0000-0000-0000-000000000000')
        = coalesce(p_external_account_id, '00000000-0000-0000-0000-000000000000')
);
comment on function perdure._connection_id(uuid, uuid) is 'The account at a service of one person.';
