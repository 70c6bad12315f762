-- update_webhook: a webhook has been registered at its provider with this configuration, or could not be.
-- Arguments  p_update  {active: true, config: {name: [text]}} or {active: false}.
-- Returns    {id, key}.
-- Errors     JQ001 not_found; JQ010 invalid_argument: names the member.
-- Called by  the server, for the registration job.
create or replace function perdure.update_webhook(p_environment_id uuid, p_key text, p_update json)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_update constant jsonb := perdure._to_jsonb(p_update);
    v_active constant jsonb := v_update -> 'active';
    v_id uuid;
begin
    if coalesce(jsonb_typeof(v_active), '') <> 'boolean' then
        raise exception using errcode = 'JQ010', message = 'p_update.active must be true or false';
    end if;
    if v_active = 'true' and perdure._are_text_lists(v_update -> 'config') is not true then
        raise exception using
            errcode = 'JQ010',
            message = 'p_update.config must be an object of lists of texts, such as {"events": ["created"]}';
    end if;

    update perdure.webhooks as w
    set
        active = v_active::boolean,
        current_config = case when v_active = 'true' then v_update -> 'config' else w.current_config end,
        updated_at = perdure.clock()
    where w.environment_id = p_environment_id and w.key = p_key
    returning w.id into v_id;
    if not found then
        raise exception using
            errcode = 'JQ001', message = format('there is no webhook %s in this environment', quote_nullable(p_key));
    end if;
    return json_build_object('id', v_id, 'key', p_key);
end;
$$;
comment on function perdure.update_webhook(uuid, text, json) is 'A webhook has been registered at its provider.';
