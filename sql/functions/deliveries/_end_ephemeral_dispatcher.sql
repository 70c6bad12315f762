-- _end_ephemeral_dispatcher: forget an ephemeral subscription whose event was sent, or could not be; but not one that
-- was made anew meanwhile and waits for another.
-- Called by  _apply_event, _fail_delivery.
create or replace function perdure._end_ephemeral_dispatcher(p_event_dispatcher_id uuid)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    delete from perdure.event_dispatchers as d
    where d.id = p_event_dispatcher_id and d.url is not null and not d.enabled;
end;
$$;
comment on function perdure._end_ephemeral_dispatcher(uuid) is 'Forget an ephemeral subscription.';
