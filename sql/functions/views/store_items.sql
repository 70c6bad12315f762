-- store_items: the key-value stores; values are JSON texts.
create or replace view perdure_views.store_items as
select
    i.environment_id,
    i.key,
    i.value,
    i.updated_at
from perdure.store_items as i;
comment on view perdure_views.store_items is 'The key-value stores.';
