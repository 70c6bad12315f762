-- _register_sources: ask the app's internal jobs, by an event each, to register those of these sources at their
-- providers that need it: not active, or other options registered than are wanted. Only the channel HTTP can be
-- registered; sources of another one are kept and stay inactive.
-- Arguments  p_source_ids  null or empty: nothing to do;
--            p_event_id    of the event, for a single source: asked again with it, it is asked once; null: a new id.
-- Errors     JQ002 wrong_state: the server's public URL is not known yet.
-- Called by  _upsert_sources, register_dynamic_trigger, register_source.
create or replace function perdure._register_sources(p_source_ids uuid[], p_event_id text default null)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_environment_id uuid;
    v_options json;
    v_events json;
    v_ids uuid[];  -- of their sources, in the same order
    v_event_ids text[];
begin
    for v_environment_id, v_options, v_events, v_ids in
        select
            s.environment_id,
            perdure._json_object(perdure._member('accountId', to_json(a.identifier))),
            json_agg(perdure._json_object(
                perdure._member('name', '"dev.trigger.source.register.v2"'),
                perdure._member('id', to_json(p_event_id)),
                perdure._member('payload', perdure._json_object(
                    perdure._member('id', to_json(s.id)),
                    perdure._member('source', perdure._source_json(s, perdure._public_url())),
                    perdure._member('options', perdure._source_options_json(s)),
                    perdure._member('dynamicTriggerId', to_json(t.slug))
                ))
            ) order by s.key),
            array_agg(s.id order by s.key)
        from perdure.sources as s
        left join perdure.dynamic_triggers as t on t.id = s.dynamic_trigger_id
        left join perdure.external_accounts as a on a.id = s.external_account_id
        where
            s.id = any(p_source_ids) and s.channel = 'HTTP'
            and (
                not s.active
                or exists (
                    select 1 from perdure.source_options as o where o.source_id = s.id and o.wanted <> o.registered
                )
            )
        group by s.environment_id, a.identifier
    loop
        v_event_ids := array(
            select perdure._shield(e.event) ->> 'id'
            from perdure.send_events(v_environment_id, v_events, v_options) with ordinality as e (event, ordinal)
            order by e.ordinal
        );
        update perdure.sources as s
        set registration_event_id = e.id
        from unnest(v_ids, v_event_ids) as i (id, event_id)
        inner join perdure.events as e on e.environment_id = v_environment_id and e.event_id = i.event_id
        where s.id = i.id;
    end loop;
end;
$$;
comment on function perdure._register_sources(uuid[], text) is 'Ask internal jobs to register sources.';
