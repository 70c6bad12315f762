-- integrations: services that jobs use, and who holds the accounts there.
create or replace view perdure_views.integrations as
select
    g.id,
    g.environment_id,
    g.slug,
    g.service,
    g.title,
    g.auth_source,
    g.setup_status,
    g.scopes,
    g.created_at,
    g.updated_at
from perdure.integrations as g;
comment on view perdure_views.integrations is 'Services that jobs use.';
