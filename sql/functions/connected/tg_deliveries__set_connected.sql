-- tg_deliveries__set_connected: a delivery to an app that is connected is kept apart from the others, because it may
-- have to wait for the app.
create or replace function perdure.tg_deliveries__set_connected()
returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    new.connected := exists (select 1 from perdure.endpoints as p where p.id = new.endpoint_id and p.connected);
    return new;
end;
$$;
comment on function perdure.tg_deliveries__set_connected() is 'Keep deliveries to connected apps apart.';

create or replace trigger tg_deliveries__set_connected
before insert on perdure.deliveries
for each row
when (new.endpoint_id is not null)
execute function perdure.tg_deliveries__set_connected();
