-- endpoints: the apps that run jobs, with their last reading.
create or replace view perdure_views.endpoints as
select
    p.id,
    p.environment_id,
    p.slug,
    p.url,
    p.timeout_ms,
    p.execution_limit_ms,
    p.sdk_name,
    p.sdk_version,
    i.status as index_status,
    i.stats as index_stats,
    i.error as index_error,
    i.created_at as indexed_at,
    p.created_at,
    p.updated_at
from perdure.endpoints as p
left join lateral (
    select x.*
    from perdure.endpoint_indexes as x
    where x.endpoint_id = p.id
    order by x.id desc
    limit 1
) as i on true;
comment on view perdure_views.endpoints is 'Apps that run jobs, with their last reading.';
