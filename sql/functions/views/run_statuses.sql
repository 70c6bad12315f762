-- run_statuses: what runs tell people of their progress, and what they told before.
create or replace view perdure_views.run_statuses as
select
    s.run_id,
    s.key,
    s.label,
    s.state,
    s.data,
    s.history,
    s.created_at,
    s.updated_at
from perdure.run_statuses as s;
comment on view perdure_views.run_statuses is 'What runs tell people of their progress.';
