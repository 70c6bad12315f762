-- The clock of test databases: perdure.clock() plus an offset that tests move. It runs on, or stands still between
-- these moves. Production cannot have it.
create schema perdure_test authorization perdure_owner;
grant usage on schema perdure_test to public;

create table perdure_test.clock (
    offset_by interval not null,
    stopped_at timestamptz  -- null: it runs
);
insert into perdure_test.clock values ('0', null);
alter table perdure_test.clock owner to perdure_owner;
grant select on perdure_test.clock to public;  -- views call the clock as whoever reads them

create or replace function perdure.clock()
returns timestamptz
language sql stable parallel safe
return (select coalesce(c.stopped_at, statement_timestamp()) + c.offset_by from perdure_test.clock as c);

-- advance: move the clock forward and wake those who wait for something to be due.
create function perdure_test.advance(p_by interval)
returns timestamptz
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    update perdure_test.clock set offset_by = offset_by + p_by;
    perform pg_notify('perdure_ready', 'due');
    return perdure.clock();
end;
$$;
alter function perdure_test.advance(interval) owner to perdure_owner;
