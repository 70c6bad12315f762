-- _check_manifest: refuse a manifest that cannot be applied.
-- Errors     JQ010 invalid_argument: names the member, what it was and what is allowed.
-- Called by  index_endpoint.
create or replace function perdure._check_manifest(p_manifest jsonb)
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_problem text;
begin
    if coalesce(jsonb_typeof(p_manifest -> 'jobs'), '') <> 'array' then
        raise exception using
            errcode = 'JQ010',
            message = 'the manifest must be an object with a list "jobs", as an endpoint answers INDEX_ENDPOINT';
    end if;

    select format('%s must be a list, not %s', m.member, jsonb_typeof(p_manifest -> m.member)) into v_problem
    from unnest(
        array['sources', 'webhooks', 'dynamicTriggers', 'dynamicSchedules', 'httpEndpoints']
    ) with ordinality as m (member, ordinal)
    where jsonb_typeof(perdure._manifest_list(p_manifest, m.member)) <> 'array'
    order by m.ordinal
    limit 1;
    if v_problem is null then
        v_problem := coalesce(
            perdure._job_problem(p_manifest -> 'jobs'),
            perdure._schedule_problem(p_manifest -> 'jobs'),
            perdure._concurrency_limit_problem(p_manifest -> 'jobs'),
            perdure._integration_problem(p_manifest -> 'jobs'),
            perdure._dynamic_trigger_problem(
                perdure._manifest_list(p_manifest, 'dynamicTriggers'),
                perdure._manifest_list(p_manifest, 'dynamicSchedules')
            ),
            perdure._http_endpoint_problem(perdure._manifest_list(p_manifest, 'httpEndpoints')),
            perdure._webhook_problem(perdure._manifest_list(p_manifest, 'webhooks')),
            perdure._source_problem(perdure._manifest_list(p_manifest, 'sources'))
        );
    end if;
    if v_problem is not null then
        raise exception using errcode = 'JQ010', message = v_problem;
    end if;
end;
$$;
comment on function perdure._check_manifest(jsonb) is 'Refuse a manifest that cannot be applied.';
