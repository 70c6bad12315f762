-- register_source: have a source registered at its provider anew, as if it had never been. Until the app's internal job
-- has done that, the source takes no requests.
-- Arguments  p_source_id  as in perdure_views.sources.
-- Returns    the id of the event that asks for it, as the API names events.
-- Errors     JQ001 not_found; JQ002 wrong_state: it is of a channel that cannot be registered, nothing wants it any
--            more, or the server's public URL is not known yet.
-- Locks      the source, then its options.
-- Called by  the server, psql.
create or replace function perdure.register_source(p_environment_id uuid, p_source_id uuid)
returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_source perdure.sources;
    v_problem text;
begin
    update perdure.sources as s
    set active = false, updated_at = perdure.clock()
    where s.id = p_source_id and s.environment_id = p_environment_id
    returning * into v_source;
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no source %s in this environment', quote_nullable(p_source_id));
    end if;
    v_problem := case
        when v_source.channel <> 'HTTP'
            then format('only sources of the channel HTTP register themselves, not %s', v_source.channel)
        when v_source.dynamic_trigger_id is null and not exists (
            select 1 from perdure.source_options as o where o.source_id = p_source_id and o.wanted
        )
            then format('source %L is wanted no more: its app does not name it', v_source.key)
    end;
    if v_problem is not null then
        raise exception using errcode = 'JQ002', message = v_problem;
    end if;

    update perdure.source_options as o
    set registered = false
    where o.source_id = p_source_id and o.wanted and o.registered;
    perform perdure._register_sources(array[p_source_id]);
    return (
        select e.event_id
        from perdure.sources as s
        inner join perdure.events as e on e.id = s.registration_event_id
        where s.id = p_source_id
    );
end;
$$;
comment on function perdure.register_source(uuid, uuid) is 'Have a source registered at its provider anew.';
