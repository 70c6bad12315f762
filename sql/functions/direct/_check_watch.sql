-- _check_watch: refuse a watch that could never send its events.
-- Returns    {events, columns?, changed?, filter?}; events are p_events, or else <table>.inserted, .updated, .deleted,
--            .truncated.
-- Errors     JQ001 not_found: no such environment; JQ010 invalid_argument: names the argument.
-- Called by  watch_table, whose caller cannot look at tables of ours.
create or replace function perdure._check_watch(
    p_environment_id uuid, p_table regclass, p_events json, p_columns text[], p_changed text[], p_filter json
)
returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_problem text;
begin
    if not exists (select 1 from perdure.environments as e where e.id = p_environment_id) then
        raise exception using
            errcode = 'JQ001', message = format('there is no environment %s', coalesce(p_environment_id::text, 'null'));
    end if;
    v_problem := case
        when p_events is not null and json_typeof(p_events) <> 'object'
            then 'p_events must be an object of operations and event names, such as {"insert": "order.placed"}'
        when p_columns = '{}' or p_changed = '{}' then 'p_columns and p_changed must name a column, or be null'
        when json_typeof(p_filter) <> 'object'
            then 'p_filter must be an object, such as {"new": {"status": ["paid"]}}'
    end;
    if v_problem is null and p_events is not null then
        select case
            when count(*) = 0 then 'p_events must name an operation'
            else min(format(
                'p_events.%s: the operations are insert, update, delete and truncate, and each needs the name of an event',
                m.key
            )) filter (
                where m.key not in ('insert', 'update', 'delete', 'truncate')
                or json_typeof(m.value) <> 'string' or m.value #>> '{}' = ''
            )
        end
        into v_problem
        from json_each(p_events) as m;
    end if;
    if v_problem is not null then
        raise exception using errcode = 'JQ010', message = v_problem;
    end if;
    perform perdure._row_expression(p_table, 'r', p_columns), perdure._row_expression(p_table, 'r', p_changed);

    return perdure._json_object(
        perdure._member('events', coalesce(p_events, (
            select json_build_object(
                'insert', c.relname || '.inserted', 'update', c.relname || '.updated', 'delete', c.relname || '.deleted',
                'truncate', c.relname || '.truncated'
            )
            from pg_class as c
            where c.oid = p_table
        ))),
        perdure._member('columns', to_json(p_columns)),
        perdure._member('changed', to_json(p_changed)),
        perdure._member('filter', p_filter)
    )::jsonb;
exception
    when data_exception then  -- what json may hold and Postgres cannot read, such as \u0000
        raise exception using errcode = 'JQ010', message = format('p_events or p_filter cannot be read: %s', sqlerrm);
end;
$$;
comment on function perdure._check_watch(uuid, regclass, json, text[], text[], json) is
'Refuse a watch that could never send its events.';
