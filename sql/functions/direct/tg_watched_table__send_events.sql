-- tg_watched_table__send_events: after a statement on a watched table, send an event for each row that it changed, in
-- the same transaction; after TRUNCATE one event. When an event cannot be sent the statement fails: a change is never
-- lost.
-- Arguments  of the trigger: one JSON object {environmentId, event, columns?, changed?, filter?}.
-- Errors     those of send_events, and JQ010 invalid_argument: a watched column is gone; JQ002 wrong_state: another
--            trigger suppressed rows that moved between partitions, or a temporary table has the name of ours.
-- Called by  triggers that watch_table makes.
create or replace function perdure.tg_watched_table__send_events()
returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_watch constant json := tg_argv[0]::json;
    v_environment_id constant uuid := (v_watch ->> 'environmentId')::uuid;
    v_has_new constant boolean := tg_op in ('INSERT', 'UPDATE');
    v_has_old constant boolean := tg_op in ('UPDATE', 'DELETE');
    v_is_unpaired boolean;
    v_events json;
    v_detail text;
    v_hint text;
begin
    if tg_op = 'TRUNCATE' then
        perform perdure.send_events(v_environment_id, json_build_array(json_build_object(
            'name', v_watch ->> 'event',
            'payload', json_build_object(
                'operation', 'truncate', 'schema', tg_table_schema, 'table', tg_table_name, 'new', null, 'old', null
            )
        )));
        return null;
    end if;

    -- Whoever makes a trigger with this function by hand, without our transition tables, gets an error and not what a
    -- temporary view of that name would do: this function runs as perdure_owner.
    if coalesce(to_regclass('pg_temp.perdure_new'), to_regclass('pg_temp.perdure_old')) is not null then
        raise exception using
            errcode = 'JQ002', message = 'the names perdure_new and perdure_old are taken by a temporary table or view';
    end if;
    for v_events, v_is_unpaired in
        execute perdure._changes_query(
            tg_relid, v_has_new, v_has_old,
            (select array_agg(c.name) from json_array_elements_text(v_watch -> 'columns') as c (name)),
            (select array_agg(c.name) from json_array_elements_text(v_watch -> 'changed') as c (name))
        )
        using v_watch ->> 'event', lower(tg_op), tg_table_schema, tg_table_name, (v_watch -> 'filter')::jsonb
    loop
        if v_is_unpaired then
            raise exception using
                errcode = 'JQ002',
                message = 'a trigger suppressed rows that moved from one partition to another, so nobody can tell '
                    'which new row belongs to which old one',
                hint = 'Watch the partitions instead of the whole table, or let that trigger raise an error.';
        end if;
        perform perdure.send_events(v_environment_id, v_events);
    end loop;
    return null;
exception
    when others then
        get stacked diagnostics v_detail = pg_exception_detail, v_hint = pg_exception_hint;
        raise exception using
            errcode = sqlstate,
            message = format(
                'the %s of %I.%I is undone, since its event %L cannot be sent: %s',
                lower(tg_op), tg_table_schema, tg_table_name, v_watch ->> 'event', sqlerrm
            ),
            detail = coalesce(nullif(v_detail, ''), format('Environment %s.', v_environment_id)),
            hint = coalesce(nullif(v_hint, ''), 'perdure.unwatch_table ends the watch.');
end;
$$;
comment on function perdure.tg_watched_table__send_events() is 'Send an event for each row that a statement changed.';
