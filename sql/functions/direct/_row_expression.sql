-- _row_expression: an SQL expression for a row of a table as a JSON object. A value of a type that others have made
-- is written as text, an array of such values as a list of texts; all else as to_json has it. Virtual generated columns
-- are left out: Postgres does not compute them for triggers.
-- Arguments  p_alias    of the row in the query;
--            p_columns  which columns; null: all.
-- Errors     JQ010 invalid_argument: a column that the table does not have, or not any more.
-- Called by  _changes_query, _check_watch.
create or replace function perdure._row_expression(p_table regclass, p_alias text, p_columns text[])
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_missing text;
begin
    select string_agg(quote_ident(c.name), ', ') into v_missing
    from unnest(p_columns) as c (name)
    where not exists (
        select 1
        from pg_attribute as a
        where
            a.attrelid = p_table and a.attname = c.name and a.attnum > 0 and not a.attisdropped and a.attgenerated <> 'v'
    );
    if v_missing is not null then
        raise exception using
            errcode = 'JQ010',
            message = format('table %s has no column %s whose changes could be told', p_table, v_missing),
            hint = 'Call perdure.watch_table again with the columns that there are.';
    end if;
    -- x.*, and not x, which could be a column.
    return format('(select to_json(x.*) from (select %s) as x)', (
        select string_agg(
            case
                when perdure._is_plain_type(a.atttypid) then format('%1$I.%2$I as %2$I', p_alias, a.attname)
                when t.typcategory = 'A' and t.typelem <> 0 then format(
                    'case when %1$I.%2$I is distinct from null then array('
                    'select case when e.value is distinct from null then format(''%%s'', e.value) end '
                    'from (select unnest(%1$I.%2$I) as value) as e) end as %2$I',
                    p_alias, a.attname
                )
                else format(
                    'case when %1$I.%2$I is distinct from null then format(''%%s'', %1$I.%2$I) end as %2$I',
                    p_alias, a.attname
                )
            end,
            ', ' order by a.attnum
        )
        from pg_attribute as a
        inner join pg_type as t on t.oid = a.atttypid
        where
            a.attrelid = p_table and a.attnum > 0 and not a.attisdropped and a.attgenerated <> 'v'
            and (p_columns is null or a.attname = any(p_columns))
    ));
end;
$$;
comment on function perdure._row_expression(regclass, text, text[]) is 'An expression for a row of a table as JSON.';
