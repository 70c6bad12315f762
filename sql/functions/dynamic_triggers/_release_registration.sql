-- _release_registration: let go of the source that a registration had so far, if it is another one now: it takes no
-- more requests, and its events start nothing. At the provider it stays registered: the protocol has no call to end
-- that.
-- Called by  register_dynamic_trigger.
create or replace function perdure._release_registration(p_dynamic_trigger_id uuid, p_key text, p_source_id uuid)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_registration perdure.dynamic_trigger_registrations;
begin
    delete from perdure.dynamic_trigger_registrations as r
    where r.dynamic_trigger_id = p_dynamic_trigger_id and r.key = p_key and r.source_id <> p_source_id
    returning * into v_registration;
    if found then
        delete from perdure.event_dispatchers as d where d.id = v_registration.event_dispatcher_id;
        update perdure.sources as s
        set active = false, updated_at = perdure.clock()
        where s.id = v_registration.source_id;
    end if;
end;
$$;
comment on function perdure._release_registration(uuid, text, uuid) is 'Let go of the source a registration had.';
