-- _event_filter_problem: what is wrong with a filter's document.
-- Returns    null: nothing.
-- Called by  find_events.
create or replace function perdure._event_filter_problem(p_filter jsonb)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_unknown text;
begin
    if jsonb_typeof(p_filter) <> 'object' then
        return 'the filter must be an object, such as {"name": "user.created"}';
    end if;
    select min(k.name) into v_unknown
    from jsonb_object_keys(p_filter) as k (name)
    where k.name not in ('name', 'source', 'text', 'from', 'to', 'state', 'isTest');
    return case
        when v_unknown is not null then format('the filter has no member %I', v_unknown)
        when p_filter ->> 'state' not in ('PENDING', 'DELIVERED', 'CANCELED')
            then format('state of the filter must be PENDING, DELIVERED or CANCELED, not %L', p_filter ->> 'state')
        when jsonb_typeof(p_filter -> 'isTest') <> 'boolean' then 'isTest of the filter must be true or false'
        else (
            select format(
                '%s of the filter must be %s', m.name,
                case
                    when m.name in ('from', 'to') then 'an instant, such as 2026-01-31T12:00:00Z'
                    else 'a text of 1 to 1000 characters'
                end
            )
            from jsonb_each(p_filter) as m (name, value)
            where
                m.name <> 'isTest'
                and (
                    jsonb_typeof(m.value) <> 'string'
                    or char_length(m.value #>> '{}') not between 1 and 1000
                    or m.name in ('from', 'to') and perdure._to_instant(m.value #>> '{}') is null
                )
            order by m.name
            limit 1
        )
    end;
end;
$$;
comment on function perdure._event_filter_problem(jsonb) is 'What is wrong with a filter of events.';
