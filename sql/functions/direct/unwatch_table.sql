-- unwatch_table: send no more events for the changes of a table.
-- Arguments  p_environment_id  whose events; null: those of all environments.
-- Returns    whether it was watched.
-- Errors     42501 (of Postgres): the table is not the caller's.
-- Locks      the table, until the transaction ends.
-- Called by  the table's owner; psql, migrations of the app.
create or replace function perdure.unwatch_table(p_environment_id uuid, p_table regclass)
returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_trigger name;
    v_was_watched boolean := false;
begin
    for v_trigger in
        select t.tgname
        from pg_trigger as t
        where
            t.tgrelid = p_table
            and t.tgfoid = 'perdure.tg_watched_table__send_events()'::regprocedure
            and (
                p_environment_id is null
                or perdure._watch_of(t.tgargs) ->> 'environmentId' = p_environment_id::text
            )
    loop
        execute format('drop trigger %I on %s', v_trigger, p_table);
        v_was_watched := true;
    end loop;
    return v_was_watched;
end;
$$;
comment on function perdure.unwatch_table(uuid, regclass) is 'Send no more events for the changes of a table.';
