-- update_source: a source has been registered at its provider: it takes requests from now on, if they come by HTTP.
-- Arguments  p_update  {options: {name: [all values registered now]}, secret?, data?}.
-- Returns    {id, key}.
-- Errors     JQ001 not_found; JQ010 invalid_argument: options are no lists of texts.
-- Called by  the server, for the registration job.
create or replace function perdure.update_source(p_environment_id uuid, p_key text, p_update json)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_update constant json := perdure._shield(p_update);
    v_id uuid;
begin
    update perdure.sources as s
    set
        active = s.channel = 'HTTP',
        secret = coalesce(v_update ->> 'secret', s.secret),
        data = coalesce(perdure._unshield(v_update -> 'data'), s.data),
        updated_at = perdure.clock()
    where s.environment_id = p_environment_id and s.key = p_key
    returning s.id into v_id;
    if not found then
        raise exception using
            errcode = 'JQ001', message = format('there is no source %s in this environment', quote_nullable(p_key));
    end if;

    with registered as (
        select o.key as name, v.value
        from json_each(coalesce(v_update -> 'options', '{}')) as o
        cross join lateral json_array_elements_text(o.value) as v
    ),
    missing as (
        update perdure.source_options as o
        set registered = false
        where
            o.source_id = v_id and o.wanted and o.registered and v_update -> 'options' -> o.name is not null
            and not exists (select 1 from registered as r where r.name = o.name and r.value = o.value)
    ),
    gone as (
        delete from perdure.source_options as o
        where
            o.source_id = v_id and not o.wanted
            and not exists (select 1 from registered as r where r.name = o.name and r.value = o.value)
    )
    insert into perdure.source_options (source_id, name, value, wanted, registered)
    select distinct v_id, r.name, r.value, false, true
    from registered as r
    on conflict (source_id, name, value) do update set registered = true;
    return json_build_object('id', v_id, 'key', p_key);
exception
    when data_exception or integrity_constraint_violation then
        raise exception using
            errcode = 'JQ010',
            message = 'p_update.options must be an object of lists of texts, such as {"event": ["issues"]}';
end;
$$;
comment on function perdure.update_source(uuid, text, json) is 'A source has been registered at its provider.';
