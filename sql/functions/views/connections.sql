-- connections: accounts at services; never their tokens, nor the additional fields, which may be secret.
create or replace view perdure_views.connections as
select
    c.id,
    c.environment_id,
    g.slug as integration,
    a.identifier as account,
    c.auth_type,
    c.scopes,
    c.metadata,
    c.expires_at,
    c.created_at,
    c.updated_at
from perdure.connections as c
inner join perdure.integrations as g on g.id = c.integration_id
left join perdure.external_accounts as a on a.id = c.external_account_id;
comment on view perdure_views.connections is 'Accounts at services; never their tokens.';
