-- watch_table: send events for the changes of a table, in the transactions that make them: one for each row inserted,
-- updated or deleted, however many rows a statement changes, and one for a TRUNCATE. The payload is {operation, schema,
-- table, new, old}: the row before and after, null where there is none. Called again it replaces what it did before.
-- Writers of the table need no right of ours. It is kept in triggers, so it goes when the table goes, and with a dump.
-- What triggers do not see is not told: rows written by replication, or into a partition by its own name (watch that,
-- too), or while triggers are off.
-- Arguments  p_table    a table, also a partitioned one; its name is looked up as usual;
--            p_events   the event of each operation that is to be told, such as {"insert": "order.placed"}; null: all
--            as <table>.inserted, <table>.updated, <table>.deleted, <table>.truncated;
--            p_columns  the columns in `new` and `old`; null: all;
--            p_changed  an update is told when it changes one of these columns; null: when it changes what is shown;
--            p_filter   an event filter that the payload must pass (event_matches), such as {"new": {"status":
--            ["paid"]}}; a TRUNCATE is told anyway.
-- Returns    what is watched: {events, columns?, changed?, filter?}.
-- Errors     JQ001 not_found: no such environment; JQ002 wrong_state: a view, a foreign table, one of Perdure's own, or
--            one that is not the caller's; JQ010 invalid_argument: names the argument. Later, a statement on the table
--            fails with the error of send_events when its event cannot be sent.
-- Locks      the table: writers wait for the end of the transaction; where an operation is told no longer, readers do.
-- Called by  the table's owner, who must be a member of perdure_app, or a superuser; in migrations of the app.
create or replace function perdure.watch_table(
    p_environment_id uuid, p_table regclass, p_events json default null, p_columns text[] default null,
    p_changed text[] default null, p_filter json default null
)
returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_kind "char";
    v_owner oid;
    v_is_ours boolean;
    v_watch jsonb;
    v_operation text;
    v_trigger text;
    v_transition text;
begin
    select c.relkind, c.relowner, n.nspname in ('perdure', 'pgmq', 'pg_catalog')
    into v_kind, v_owner, v_is_ours
    from pg_class as c
    inner join pg_namespace as n on n.oid = c.relnamespace
    where c.oid = p_table;
    if v_kind is null or v_kind not in ('r', 'p') or v_is_ours then
        raise exception using
            errcode = 'JQ002',
            message = format(
                '%s cannot be watched: only tables of yours can, partitioned ones included; no views, no foreign tables, '
                'nothing of Perdure', coalesce(p_table::text, 'null')
            );
    end if;
    if not pg_has_role(v_owner, 'usage') then
        raise exception using
            errcode = 'JQ002',
            message = format('%s may not watch table %s, which belongs to %s', current_user, p_table, v_owner::regrole),
            hint = format('Do it as %1$s (after: grant perdure_app to %1$s) or as a superuser.', v_owner::regrole);
    end if;

    v_watch := perdure._check_watch(p_environment_id, p_table, p_events, p_columns, p_changed, p_filter);
    foreach v_operation in array array['insert', 'update', 'delete', 'truncate'] loop
        v_trigger := 'perdure_' || v_operation || '_' || replace(p_environment_id::text, '-', '');
        if v_watch -> 'events' -> v_operation is not null then
            v_transition := case v_operation
                when 'insert' then 'referencing new table as perdure_new'
                when 'update' then 'referencing old table as perdure_old new table as perdure_new'
                when 'delete' then 'referencing old table as perdure_old'
                else ''
            end;
            execute format(
                'create or replace trigger %I after %s on %s %s for each statement '
                'execute function perdure.tg_watched_table__send_events(%L)',
                v_trigger, v_operation, p_table, v_transition,
                jsonb_build_object('environmentId', p_environment_id, 'event', v_watch -> 'events' -> v_operation)
                || (v_watch - 'events')
            );
        elsif exists (select 1 from pg_trigger as t where t.tgrelid = p_table and t.tgname = v_trigger) then
            execute format('drop trigger %I on %s', v_trigger, p_table);
        end if;
    end loop;
    return v_watch;
end;
$$;
comment on function perdure.watch_table(uuid, regclass, json, text[], text[], json) is
'Send events for the changes of a table.';
