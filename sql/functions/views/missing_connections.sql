-- missing_connections: connections that runs wait for or waited for.
create or replace view perdure_views.missing_connections as
select
    m.id,
    m.environment_id,
    g.slug as integration,
    a.identifier as account,
    (
        select count(*)
        from perdure.missing_connection_runs as w
        inner join perdure.runs as r on r.id = w.run_id and r.status = 'WAITING_ON_CONNECTIONS'
        where w.missing_connection_id = m.id
    ) as waiting_runs,
    m.created_at,
    m.resolved_at
from perdure.missing_connections as m
inner join perdure.integrations as g on g.id = m.integration_id
left join perdure.external_accounts as a on a.id = m.external_account_id;
comment on view perdure_views.missing_connections is 'Connections that runs wait for.';
