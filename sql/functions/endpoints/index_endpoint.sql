-- index_endpoint: make an environment's jobs, sources and so on what an endpoint says they are: a full diff. What
-- it no longer names is switched off; sources and webhooks that want registering get their internal job started.
-- Arguments  p_manifest  what the endpoint answers INDEX_ENDPOINT: {jobs, sources?, …};
--            p_sdk       {name: 'perdure' | 'trigger', version}: which SDK answered; {}: as before. An app of the
--                        first is sent no key in clear any more;
--            p_index_id  the reading that was asked for (request_index); null: one of its own, with
--            p_cause, p_reason, p_data  who wanted it, and what they said.
-- Returns    the index row {id, status, stats, updatedAt}.
-- Errors     JQ001 not_found: no such endpoint, or no such open reading of it; JQ002 wrong_state: there are
--            sources or webhooks to register, and the server's public URL is not set; JQ010 invalid_argument: names the
--            member that is wrong. Nothing is changed then.
-- Locks      the endpoint: two readings of it come one after the other; then the environment.
-- Called by  the server, apply_delivery_results, psql.
create or replace function perdure.index_endpoint(
    p_endpoint_id uuid, p_manifest json, p_sdk json default '{}', p_index_id uuid default null,
    p_cause text default 'SQL', p_reason text default null, p_data json default null
)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_manifest jsonb;
    v_jobs jsonb;
    v_sources jsonb;
    v_webhooks jsonb;
    v_triggers jsonb;
    v_schedules jsonb;
    v_http_endpoints jsonb;
    v_endpoint perdure.endpoints;
    v_disabled integer;
begin
    v_manifest := p_manifest::jsonb;
    perform perdure._check_manifest(v_manifest);
    v_jobs := v_manifest -> 'jobs';
    v_sources := perdure._manifest_list(v_manifest, 'sources');
    v_webhooks := perdure._manifest_list(v_manifest, 'webhooks');
    v_triggers := perdure._manifest_list(v_manifest, 'dynamicTriggers');
    v_schedules := perdure._manifest_list(v_manifest, 'dynamicSchedules');
    v_http_endpoints := perdure._manifest_list(v_manifest, 'httpEndpoints');

    update perdure.endpoints as p
    set
        sdk_name = coalesce(p_sdk ->> 'name', p.sdk_name),
        sdk_version = coalesce(p_sdk ->> 'version', p.sdk_version),
        api_key_id = case when p_sdk ->> 'name' = 'perdure' then null else p.api_key_id end,
        enabled = true,
        failed_index_count = 0,
        updated_at = perdure.clock()
    where p.id = p_endpoint_id
    returning * into v_endpoint;
    if not found then
        raise exception using
            errcode = 'JQ001', message = format('there is no endpoint %s', quote_nullable(p_endpoint_id));
    end if;

    perform perdure._lock_configuration(v_endpoint.environment_id);
    perform perdure._upsert_jobs(v_endpoint, v_jobs);
    v_disabled := perdure._disable_missing_jobs(v_endpoint, v_jobs);
    perform perdure._upsert_concurrency_limits(v_endpoint, v_jobs);
    perform perdure._upsert_integrations(v_endpoint, v_jobs);
    perform perdure._upsert_dynamic_triggers(v_endpoint, v_triggers, v_schedules, v_jobs);
    perform perdure._upsert_schedules(v_endpoint);
    perform perdure._upsert_http_endpoints(v_endpoint, v_http_endpoints);
    perform perdure._upsert_webhooks(v_endpoint, v_webhooks);
    perform perdure._upsert_sources(v_endpoint, v_sources);
    perform perdure._refresh_plain_starts(v_endpoint.environment_id);

    return perdure._record_index(
        v_endpoint, p_index_id, p_cause, p_reason, p_data,
        p_stats => json_build_object(
            'jobs', (
                select count(*) from jsonb_array_elements(v_jobs) as j
                where coalesce(j.value ->> 'internal', 'false') <> 'true'
            ),
            'sources', jsonb_array_length(v_sources),
            'webhooks', jsonb_array_length(v_webhooks),
            'dynamicTriggers', jsonb_array_length(v_triggers),
            'dynamicSchedules', jsonb_array_length(v_schedules),
            'disabledJobs', v_disabled,
            'httpEndpoints', jsonb_array_length(v_http_endpoints)
        )
    );
exception
    when data_exception or integrity_constraint_violation or program_limit_exceeded then
        raise exception using errcode = 'JQ010', message = format('the manifest cannot be stored: %s', sqlerrm);
end;
$$;
comment on function perdure.index_endpoint(uuid, json, json, uuid, text, text, json)
is 'Make jobs, sources and so on what an endpoint says they are.';
