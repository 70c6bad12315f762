-- index_endpoint: make an environment's jobs and sources what an endpoint says they are: a full diff. Jobs it
-- no longer names are disabled; sources that want registering get their internal job started.
-- Arguments  p_manifest  what the endpoint answers INDEX_ENDPOINT: {jobs, sources?, …};
--            p_sdk       {name: 'perdure' | 'trigger', version}: which SDK answered; {}: as before.
-- Returns    the index row {id, status, stats, updatedAt}.
-- Errors     JQ001 not_found; JQ002 wrong_state: there are sources to register, and the server's public URL is
--            not set; JQ010 invalid_argument: names the member that is wrong. Nothing is changed then.
-- Locks      the endpoint: two readings of it come one after the other.
-- Called by  the server, psql.
create or replace function perdure.index_endpoint(p_endpoint_id uuid, p_manifest json, p_sdk json default '{}')
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_manifest jsonb;
    v_endpoint perdure.endpoints;
    v_index perdure.endpoint_indexes;
    v_disabled integer;
begin
    v_manifest := p_manifest::jsonb;
    perform perdure._check_manifest(v_manifest);
    update perdure.endpoints as p
    set
        sdk_name = coalesce(p_sdk ->> 'name', p.sdk_name),
        sdk_version = coalesce(p_sdk ->> 'version', p.sdk_version),
        updated_at = v_now
    where p.id = p_endpoint_id
    returning * into v_endpoint;
    if not found then
        raise exception using
            errcode = 'JQ001', message = format('there is no endpoint %s', quote_nullable(p_endpoint_id));
    end if;

    perform perdure._upsert_jobs(v_endpoint, v_manifest -> 'jobs');
    v_disabled := perdure._disable_missing_jobs(v_endpoint, v_manifest -> 'jobs');
    perform perdure._upsert_sources(v_endpoint, perdure._manifest_list(v_manifest, 'sources'));

    insert into perdure.endpoint_indexes (id, endpoint_id, status, stats, created_at, updated_at)
    values (
        perdure.new_id(), p_endpoint_id, 'SUCCESS',
        json_build_object(
            'jobs', (
                select count(*) from jsonb_array_elements(v_manifest -> 'jobs') as j
                where coalesce(j.value ->> 'internal', 'false') <> 'true'
            ),
            'sources', jsonb_array_length(perdure._manifest_list(v_manifest, 'sources')),
            'webhooks', jsonb_array_length(perdure._manifest_list(v_manifest, 'webhooks')),
            'dynamicTriggers', jsonb_array_length(perdure._manifest_list(v_manifest, 'dynamicTriggers')),
            'dynamicSchedules', jsonb_array_length(perdure._manifest_list(v_manifest, 'dynamicSchedules')),
            'httpEndpoints', jsonb_array_length(perdure._manifest_list(v_manifest, 'httpEndpoints')),
            'disabledJobs', v_disabled
        ),
        v_now, v_now
    )
    returning * into v_index;
    return perdure._endpoint_index_json(v_index);
exception
    when data_exception or integrity_constraint_violation or program_limit_exceeded then
        raise exception using errcode = 'JQ010', message = format('the manifest cannot be stored: %s', sqlerrm);
end;
$$;
comment on function perdure.index_endpoint(uuid, json, json) is 'Make jobs and sources what an endpoint says they are.';
