-- _run_filter_problem: what is wrong with a filter's document.
-- Returns    null: nothing.
-- Called by  _read_run_filter.
create or replace function perdure._run_filter_problem(p_filter jsonb)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_unknown text;
begin
    if jsonb_typeof(p_filter) <> 'object' then
        return 'the filter must be an object, such as {"status": ["FAILURE"]}';
    end if;
    select min(k.name) into v_unknown
    from jsonb_object_keys(p_filter) as k (name)
    where k.name not in ('status', 'job', 'version', 'from', 'to', 'tags', 'text', 'isTest', 'fingerprint');
    if v_unknown is not null then
        return format('the filter has no member %I', v_unknown);
    end if;
    return coalesce(
        (
            select format('%s of the filter must be a list of at most 50 texts', m.name)
            from jsonb_each(p_filter) as m (name, value)
            where
                m.name in ('status', 'tags')
                and case
                    when jsonb_typeof(m.value) <> 'array' then true
                    else
                        jsonb_array_length(m.value) > 50
                        or exists (select 1 from jsonb_array_elements(m.value) as x (v) where jsonb_typeof(x.v) <> 'string')
                end
            limit 1
        ),
        (
            select format('%s of the filter must be a text of 1 to 1000 characters', m.name)
            from jsonb_each(p_filter) as m (name, value)
            where
                m.name in ('job', 'version', 'text')
                and (jsonb_typeof(m.value) <> 'string' or char_length(m.value #>> '{}') not between 1 and 1000)
            limit 1
        ),
        (
            select format('%s of the filter must be an instant, such as 2026-01-31T12:00:00Z', m.name)
            from jsonb_each(p_filter) as m (name, value)
            where
                m.name in ('from', 'to')
                and (jsonb_typeof(m.value) <> 'string' or perdure._to_instant(m.value #>> '{}') is null)
            limit 1
        ),
        case when jsonb_typeof(p_filter -> 'isTest') <> 'boolean' then 'isTest of the filter must be true or false' end,
        case
            when p_filter ? 'fingerprint' and perdure._to_uuid(p_filter ->> 'fingerprint') is null
                then 'fingerprint of the filter must be a UUID'
        end
    );
end;
$$;
comment on function perdure._run_filter_problem(jsonb) is 'What is wrong with a filter.';
