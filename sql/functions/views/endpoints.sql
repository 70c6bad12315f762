-- endpoints: the apps that run jobs, with the last reading that has ended. A disabled one is read no more by itself,
-- since that failed too often.
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
    p.enabled,
    p.failed_index_count,
    i.status as index_status,
    i.stats as index_stats,
    i.error as index_error,
    i.updated_at as indexed_at,
    p.created_at,
    p.updated_at
from perdure.endpoints as p
left join lateral (
    select x.*
    from perdure.endpoint_indexes as x
    where x.endpoint_id = p.id and x.status in ('SUCCESS', 'FAILURE')
    order by x.updated_at desc, x.id desc
    limit 1
) as i on true;
comment on view perdure_views.endpoints is 'Apps that run jobs, with their last reading.';
