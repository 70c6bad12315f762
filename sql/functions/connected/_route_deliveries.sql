-- _route_deliveries: let what is still to be sent to an endpoint go the way that the app is reached now. Runs in the
-- queue are put right when they are claimed.
-- Arguments  p_connected  the app fetches it.
-- Locks      the endpoint's pending deliveries.
-- Called by  connect_endpoint, register_endpoint.
create or replace function perdure._route_deliveries(p_endpoint_id uuid, p_connected boolean)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    update perdure.deliveries as d set connected = p_connected
    where d.endpoint_id = p_endpoint_id and d.due_at is not null and d.connected <> p_connected;
end;
$$;
comment on function perdure._route_deliveries(uuid, boolean) is 'Let deliveries go the way that an app is reached now.';
