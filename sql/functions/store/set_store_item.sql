-- set_store_item: keep a value in an environment's key-value store, in place of what was there.
-- Arguments  p_key  as get_store_item; p_value  any JSON; its text is kept as it is.
-- Returns    {action: SET, key, value}: the value's JSON text, in a string.
-- Errors     JQ001 not_found: no such environment; JQ010 invalid_argument: the key is empty or longer than 1000 bytes,
--            the value is null or larger than 256 KiB.
-- Locks      the item.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.set_store_item(p_environment_id uuid, p_key text, p_value json)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_problem text;
begin
    v_problem := case
        when octet_length(coalesce(p_key, '')) not between 1 and 1000 then 'p_key must be a text of 1 to 1000 bytes'
        when p_value is null then 'p_value must be JSON; the value null is written ''null'''
        when octet_length(p_value::text) > 262144
            then format('p_value must be at most 262144 bytes of JSON, not %s', octet_length(p_value::text))
    end;
    if v_problem is not null then
        raise exception using errcode = 'JQ010', message = v_problem;
    end if;
    if not exists (select 1 from perdure.environments as e where e.id = p_environment_id) then
        raise exception using
            errcode = 'JQ001', message = format('there is no environment %s', coalesce(p_environment_id::text, 'null'));
    end if;

    insert into perdure.store_items (environment_id, key, value, updated_at)
    values (p_environment_id, p_key, p_value::text, perdure.clock())
    on conflict (environment_id, key) do update set value = excluded.value, updated_at = excluded.updated_at;
    return json_build_object('action', 'SET', 'key', p_key, 'value', p_value::text);
end;
$$;
comment on function perdure.set_store_item(uuid, text, json) is 'Keep a value in the key-value store.';
