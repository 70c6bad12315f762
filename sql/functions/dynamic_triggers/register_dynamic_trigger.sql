-- register_dynamic_trigger: attach a source to a dynamic trigger: what the source brings in starts the trigger's jobs,
-- as far as it passes the rule. The same key again takes the place of what it stood for. A source that is not
-- registered at its provider, or not for all that is wanted, asks the app's internal job to do that.
-- Arguments  p_slug      the trigger's id in the app; p_key  of the registration, chosen by the app;
--            p_body      {rule: {event, source, payload?, context?}, source: SourceMetadata, accountId?: the end user
--            whom its events are about, metadata?: for runs to see};
--            p_event_id  of the event that asks for registration at the provider: the same again asks once; null: a
--            new id.
-- Returns    {id, source, options} (RegisterSourceEventV2); source.key is what update_source takes.
-- Errors     JQ001 not_found: no such trigger of events; JQ002 wrong_state: the server's public URL is not known yet;
--            JQ010 invalid_argument: names the member.
-- Locks      the trigger: two registrations come one after the other.
-- Called by  the server, psql.
create or replace function perdure.register_dynamic_trigger(
    p_environment_id uuid, p_slug text, p_key text, p_body json, p_event_id text default null
)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_shielded constant json := perdure._shield(p_body);
    v_body constant jsonb := perdure._to_jsonb(v_shielded);
    v_problem constant text := coalesce(
        case when octet_length(coalesce(p_key, '')) not between 1 and 500 then 'p_key must be a text of 1 to 500 bytes' end,
        'p_body.' || perdure._registration_problem(v_body)
    );
    v_trigger perdure.dynamic_triggers;
    v_source perdure.sources;
    v_dispatcher_id uuid;
    v_registration_id uuid;
begin
    if v_problem is not null then
        raise exception using errcode = 'JQ010', message = v_problem;
    end if;
    select t.* into v_trigger
    from perdure.dynamic_triggers as t
    where t.environment_id = p_environment_id and t.slug = p_slug and t.kind = 'EVENT'
    for no key update;
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no dynamic trigger %s in this environment', quote_nullable(p_slug));
    end if;

    insert into perdure.sources as s (
        id, environment_id, endpoint_id, dynamic_trigger_id, external_account_id, key, channel, integration, params,
        secret, created_at, updated_at
    )
    values (
        perdure.new_id(), p_environment_id, v_trigger.endpoint_id, v_trigger.id,
        perdure._upsert_external_account(p_environment_id, v_body ->> 'accountId'),
        concat_ws(':', v_trigger.id, p_key, v_body -> 'source' ->> 'key'),
        coalesce(v_body -> 'source' ->> 'channel', 'HTTP'), coalesce(v_body -> 'source' -> 'integration', '{}'),
        coalesce(perdure._unshield(v_shielded -> 'source' -> 'params'), 'null'), perdure._new_secret(), v_now, v_now
    )
    on conflict (environment_id, key) do update
    set
        endpoint_id = excluded.endpoint_id,
        external_account_id = excluded.external_account_id,
        channel = excluded.channel,
        integration = excluded.integration,
        params = excluded.params,
        active = s.active and excluded.channel = 'HTTP',
        updated_at = v_now
    returning * into v_source;
    perform perdure._want_source_options(jsonb_build_array(jsonb_build_object(
        'id', v_source.id, 'options', perdure._wanted_options(v_body -> 'source')
    )));

    v_dispatcher_id := perdure._subscribe_dynamic_source(v_source, v_body -> 'rule');
    perform perdure._release_registration(v_trigger.id, p_key, v_source.id);
    insert into perdure.dynamic_trigger_registrations as r (
        id, dynamic_trigger_id, key, source_id, event_dispatcher_id, metadata, created_at, updated_at
    )
    values (
        perdure.new_id(), v_trigger.id, p_key, v_source.id, v_dispatcher_id,
        perdure._unshield(v_shielded -> 'metadata'), v_now, v_now
    )
    on conflict (dynamic_trigger_id, key) do update
    set metadata = excluded.metadata, updated_at = v_now
    returning r.id into v_registration_id;

    perform perdure._register_sources(array[v_source.id], p_event_id);
    return json_build_object(
        'id', v_registration_id,
        'source', perdure._source_json(v_source, perdure._public_url()),
        'options', perdure._source_options_json(v_source)
    );
exception
    when data_exception or integrity_constraint_violation or program_limit_exceeded then
        raise exception using errcode = 'JQ010', message = format('p_body cannot be stored: %s', sqlerrm);
end;
$$;
comment on function perdure.register_dynamic_trigger(uuid, text, text, json, text)
is 'Attach a source to a dynamic trigger.';
