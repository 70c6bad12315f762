-- api_keys: which keys there are; never the keys.
create or replace view perdure_views.api_keys as
select
    k.id,
    k.environment_id,
    k.kind,
    k.hint,
    k.created_at,
    k.revoked_at,
    k.created_by,
    k.expires_at
from perdure.api_keys as k;
comment on view perdure_views.api_keys is 'API keys by their beginning; never the keys.';
