-- request_index: have an endpoint's jobs read in five seconds, because its deploy hook was called: by then the new
-- deployment answers. Calls within that time are one. An endpoint that was switched off gets another chance.
-- Arguments  p_hook_id  indexingHookIdentifier of the endpoint, its secret; p_data  what the caller sent, or null.
-- Returns    the index row {id, status: 'PENDING', updatedAt}.
-- Errors     JQ001 not_found: also when only the hook's id is wrong.
-- Locks      the endpoint.
-- Called by  the server.
create or replace function perdure.request_index(
    p_environment_id uuid, p_slug text, p_hook_id text, p_data json default null
)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    c_delay constant interval := interval '5 seconds';
    v_endpoint_id uuid;
    v_index_id uuid;
begin
    update perdure.endpoints as p set enabled = true
    where p.environment_id = p_environment_id and p.slug = p_slug and p.indexing_hook_id = p_hook_id
    returning p.id into v_endpoint_id;
    if not found then
        raise exception using errcode = 'JQ001', message = 'there is no such endpoint, or its hook has another id';
    end if;

    select i.id into v_index_id
    from perdure.endpoint_indexes as i
    where
        i.endpoint_id = v_endpoint_id and i.cause = 'HOOK' and i.status = 'PENDING'
        and i.created_at > perdure.clock() - c_delay
    order by i.id desc
    limit 1;
    if v_index_id is null then
        v_index_id := perdure._schedule_index(v_endpoint_id, c_delay, 'HOOK', null, p_data);
    end if;
    return perdure.get_index(p_environment_id, v_index_id);
end;
$$;
comment on function perdure.request_index(uuid, text, text, json) is 'Have an endpoint''s jobs read soon.';
