-- _watch_of: what a trigger on a watched table is to do; null: somebody else made it, with other arguments.
-- Arguments  p_arguments  pg_trigger.tgargs: texts, each with a zero byte behind it.
-- Called by  unwatch_table, the view watched_tables: as whoever looks.
create or replace function perdure._watch_of(p_arguments bytea)
returns jsonb
language plpgsql stable strict set search_path = pg_catalog, pg_temp
as $$
begin
    return convert_from(
        substring(p_arguments from 1 for position('\x00'::bytea in p_arguments) - 1),
        current_setting('server_encoding')
    )::jsonb;
exception
    when data_exception then
        return null;
end;
$$;
comment on function perdure._watch_of(bytea) is 'What a trigger on a watched table is to do.';
