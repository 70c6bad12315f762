-- record_index_failure: remember that an endpoint's jobs could not be read, and why.
-- Returns    the index row {id, status, error, updatedAt}.
-- Errors     JQ001 not_found.
-- Called by  the server.
create or replace function perdure.record_index_failure(p_endpoint_id uuid, p_error text)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_index perdure.endpoint_indexes;
begin
    insert into perdure.endpoint_indexes (id, endpoint_id, status, error, created_at, updated_at)
    select perdure.new_id(), p.id, 'FAILURE', json_build_object('message', p_error), v_now, v_now
    from perdure.endpoints as p
    where p.id = p_endpoint_id
    returning * into v_index;
    if not found then
        raise exception using
            errcode = 'JQ001', message = format('there is no endpoint %s', quote_nullable(p_endpoint_id));
    end if;
    return perdure._endpoint_index_json(v_index);
end;
$$;
comment on function perdure.record_index_failure(uuid, text) is 'Remember that an endpoint''s jobs could not be read.';
