-- _want_source_options: what sources are to deliver from now on. What is registered at the provider and wanted no
-- more is remembered until an update says that it is gone.
-- Arguments  p_wanted  JSON array of {id: sources.id, options: {name: [text]}}: of these sources nothing else is
--            wanted.
-- Called by  _upsert_sources, register_dynamic_trigger.
create or replace function perdure._want_source_options(p_wanted jsonb)
returns void
language sql volatile set search_path = pg_catalog, pg_temp
as $$
    with wanted as (
        select (s.value ->> 'id')::uuid as source_id, o.key as name, v.value
        from jsonb_array_elements(p_wanted) as s
        cross join lateral jsonb_each(s.value -> 'options') as o
        cross join lateral jsonb_array_elements_text(o.value) as v
    ),
    unwanted as (
        update perdure.source_options as o
        set wanted = false
        from jsonb_array_elements(p_wanted) as s
        where
            o.source_id = (s.value ->> 'id')::uuid and o.wanted
            and not exists (
                select 1 from wanted as w where w.source_id = o.source_id and w.name = o.name and w.value = o.value
            )
    )
    insert into perdure.source_options (source_id, name, value, wanted, registered)
    select distinct w.source_id, w.name, w.value, true, false
    from wanted as w
    on conflict (source_id, name, value) do update set wanted = true;
$$;
comment on function perdure._want_source_options(jsonb) is 'What sources are to deliver from now on.';
