-- _register_sources: ask the app's internal jobs to register sources at their providers, by an event each.
-- Arguments  p_source_ids  null or empty: nothing to do.
-- Errors     JQ002 wrong_state: the server's public URL is not known yet.
-- Called by  _upsert_sources.
create or replace function perdure._register_sources(p_source_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_public_url text;
    v_environment_id uuid;
    v_events json;
begin
    if coalesce(cardinality(p_source_ids), 0) = 0 then
        return;
    end if;
    select s.value into v_public_url from perdure.settings as s where s.name = 'public_url';
    if v_public_url is null then
        raise exception using
            errcode = 'JQ002',
            message = 'the public URL of the server is not set, so no provider can be told where to send its webhooks',
            hint = 'start the server once with PERDURE_PUBLIC_URL, or: '
                || 'select perdure.set_setting(''public_url'', ''https://…'')';
    end if;

    for v_environment_id, v_events in
        select
            s.environment_id,
            json_agg(json_build_object(
                'name', 'dev.trigger.source.register.v2',
                'payload', json_build_object(
                    'id', s.id,
                    'source', perdure._source_json(s, v_public_url),
                    'options', perdure._source_options_json(s)
                )
            ) order by s.key)
        from perdure.sources as s
        where s.id = any(p_source_ids)
        group by s.environment_id
    loop
        perform 1 from perdure.send_events(v_environment_id, v_events);
    end loop;
end;
$$;
comment on function perdure._register_sources(uuid[]) is 'Ask internal jobs to register sources.';
