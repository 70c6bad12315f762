-- record_index_failure: remember that an endpoint's jobs could not be read, and why. After 96 failures in a row the
-- endpoint is switched off: it is not read by itself any more, until it is registered or read again.
-- Arguments  p_index_id, p_cause, p_reason, p_data  as for index_endpoint.
-- Returns    the index row {id, status, error, updatedAt}.
-- Errors     JQ001 not_found: no such endpoint, or no such open reading of it; JQ010 invalid_argument: p_cause is
--            unknown.
-- Locks      the endpoint.
-- Called by  the server, apply_delivery_results.
create or replace function perdure.record_index_failure(
    p_endpoint_id uuid, p_error text, p_index_id uuid default null,
    p_cause text default 'SQL', p_reason text default null, p_data json default null
)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    c_tolerated constant integer := 96;
    v_endpoint perdure.endpoints;
begin
    update perdure.endpoints as p
    set
        failed_index_count = p.failed_index_count + 1,
        enabled = p.enabled and p.failed_index_count + 1 < c_tolerated,
        updated_at = perdure.clock()
    where p.id = p_endpoint_id
    returning * into v_endpoint;
    if not found then
        raise exception using
            errcode = 'JQ001', message = format('there is no endpoint %s', quote_nullable(p_endpoint_id));
    end if;
    return perdure._record_index(
        v_endpoint, p_index_id, p_cause, p_reason, p_data, p_error => json_build_object('message', p_error)
    );
end;
$$;
comment on function perdure.record_index_failure(uuid, text, uuid, text, text, json)
is 'Remember that an endpoint''s jobs could not be read.';
