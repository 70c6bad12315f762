-- _record_index: write down what came of reading an endpoint, and see to it that staging and production are read
-- again an hour later: an app may have been deployed without anybody saying so. One that is connected says so itself.
-- Arguments  p_endpoint  locked by the caller; p_index_id  an open reading of it; null: make one with p_cause,
--            p_reason and p_data; p_stats  it succeeded; p_error  it failed.
-- Returns    the index row as the API shows it.
-- Errors     JQ001 not_found: no such open reading; JQ010 invalid_argument: p_cause is unknown.
-- Called by  index_endpoint, record_index_failure.
create or replace function perdure._record_index(
    p_endpoint perdure.endpoints, p_index_id uuid, p_cause text, p_reason text, p_data json,
    p_stats json default null, p_error json default null
)
returns json
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    c_period constant interval := interval '1 hour';
    v_now constant timestamptz := perdure.clock();
    v_status constant text := case when p_error is null then 'SUCCESS' else 'FAILURE' end;
    v_index perdure.endpoint_indexes;
begin
    if p_index_id is not null then
        update perdure.endpoint_indexes as i
        set status = v_status, stats = p_stats, error = p_error, updated_at = v_now
        where i.id = p_index_id and i.endpoint_id = p_endpoint.id and i.status in ('PENDING', 'STARTED')
        returning * into v_index;
        if not found then
            raise exception using
                errcode = 'JQ001', message = format('endpoint %s has no open index %s', p_endpoint.id, p_index_id);
        end if;
    elsif p_cause is null or p_cause not in ('API', 'CONNECT', 'HOOK', 'SCHEDULE', 'SQL') then
        raise exception using
            errcode = 'JQ010',
            message = format('p_cause must be API, CONNECT, HOOK, SCHEDULE or SQL, not %s', quote_nullable(p_cause));
    else
        insert into perdure.endpoint_indexes (
            id, endpoint_id, status, cause, reason, data, stats, error, created_at, updated_at
        )
        values (
            perdure.new_id(), p_endpoint.id, v_status, p_cause, p_reason, p_data, p_stats, p_error, v_now, v_now
        )
        returning * into v_index;
    end if;

    if p_endpoint.enabled and not p_endpoint.connected and exists (
        select 1 from perdure.environments as e
        where e.id = p_endpoint.environment_id and e.type in ('STAGING', 'PRODUCTION')
    ) then
        perform perdure._schedule_index(p_endpoint.id, c_period, 'SCHEDULE', null, null);
    end if;
    return perdure._endpoint_index_json(v_index);
end;
$$;
comment on function perdure._record_index(perdure.endpoints, uuid, text, text, json, json, json)
is 'Write down what came of reading an endpoint.';
