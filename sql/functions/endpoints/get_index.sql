-- get_index: the reading of an endpoint, by id.
-- Returns    {id, status, stats | error, updatedAt}.
-- Errors     JQ001 not_found, also for another environment's.
-- Called by  the server.
create or replace function perdure.get_index(p_environment_id uuid, p_index_id uuid)
returns json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_index perdure.endpoint_indexes;
begin
    select i.* into v_index
    from perdure.endpoint_indexes as i
    inner join perdure.endpoints as p on p.id = i.endpoint_id
    where i.id = p_index_id and p.environment_id = p_environment_id;
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no endpoint index %s in this environment', quote_nullable(p_index_id));
    end if;
    return perdure._endpoint_index_json(v_index);
end;
$$;
comment on function perdure.get_index(uuid, uuid) is 'The reading of an endpoint.';
