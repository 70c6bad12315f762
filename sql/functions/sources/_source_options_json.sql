-- _source_options_json: what a source's registration is to bring about, per option name: all values to be
-- registered (desired), those not yet registered (missing), those registered but wanted no more (orphaned). The
-- original has in desired, while a source is active, only what is registered already; registrations take desired and
-- missing together, which comes to the same. The option event is always there: clients insist on it.
create or replace function perdure._source_options_json(p_source perdure.sources)
returns json
language sql stable
return (
    select
        json_object_agg(o.name, json_build_object(
            'desired', o.desired, 'missing', o.missing, 'orphaned', o.orphaned
        ) order by o.name)
    from (
        select
            n.name,
            coalesce(json_agg(s.value order by s.value) filter (where s.wanted), '[]') as desired,
            coalesce(json_agg(s.value order by s.value) filter (where s.wanted and not s.registered), '[]') as missing,
            coalesce(json_agg(s.value order by s.value) filter (where s.registered and not s.wanted), '[]') as orphaned
        from (
            select 'event' as name
            union
            select x.name from perdure.source_options as x where x.source_id = (p_source).id
        ) as n
        left join perdure.source_options as s on s.source_id = (p_source).id and s.name = n.name
        group by n.name
    ) as o
);
comment on function perdure._source_options_json(perdure.sources) is 'What a source''s registration is to bring about.';
