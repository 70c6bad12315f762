-- watched_tables: the tables whose changes become events, a row for each operation that is told. `shown` are the
-- columns in the payload, `changed` those of which an update must change one; null: all. `enabled` is false while
-- somebody has switched the trigger off.
create or replace view perdure_views.watched_tables as
select
    (w.watch ->> 'environmentId')::uuid as environment_id,
    n.nspname::text as schema_name,
    c.relname::text as table_name,
    case
        when (t.tgtype & 4) > 0 then 'insert'
        when (t.tgtype & 8) > 0 then 'delete'
        when (t.tgtype & 16) > 0 then 'update'
        else 'truncate'
    end as operation,
    w.watch ->> 'event' as event,
    w.watch -> 'columns' as shown,
    w.watch -> 'changed' as changed,
    w.watch -> 'filter' as filter,
    t.tgenabled <> 'D' as enabled
from pg_catalog.pg_trigger as t
inner join pg_catalog.pg_class as c on c.oid = t.tgrelid
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
cross join lateral perdure._watch_of(t.tgargs) as w (watch)
where t.tgfoid = 'perdure.tg_watched_table__send_events()'::pg_catalog.regprocedure and w.watch is not null;
comment on view perdure_views.watched_tables is 'The tables whose changes become events.';
