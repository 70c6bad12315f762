-- migrations: which release's tables and functions this database holds.
create or replace view perdure_views.migrations as
select
    m.number,
    m.name,
    m.checksum,
    m.applied_at
from perdure.migrations as m;
comment on view perdure_views.migrations is 'Migrations applied to this database.';
