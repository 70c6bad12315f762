-- _changes_query: the query by which a trigger finds what a statement changed: a row for each portion of the changes,
-- of at most 1,000 and some 32 MB. Its transition tables are perdure_new and perdure_old, whose rows stand in the same
-- order.
-- Arguments  p_has_new, p_has_old  which of the two there are;
--            p_columns             of the payload; null: all;
--            p_changed             an update counts when it changes one of these; null: of p_columns.
-- Returns    SQL with the parameters $1 the event's name, $2 the operation, $3 the schema, $4 the table, $5 a filter,
--            and the columns events, a JSON array for send_events; unpaired, whether a row of an update has no partner.
-- Errors     JQ010 invalid_argument: a column that the table does not have any more.
-- Called by  tg_watched_table__send_events.
create or replace function perdure._changes_query(
    p_table regclass, p_has_new boolean, p_has_old boolean, p_columns text[], p_changed text[]
)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_is_update constant boolean := p_has_new and p_has_old;
    v_image constant text := perdure._row_expression(p_table, 'r', p_columns);
    v_compared constant text := case
        when v_is_update then perdure._row_expression(p_table, 'r', coalesce(p_changed, p_columns))
        else 'null'
    end;
    v_side constant text := 'select row_number() over () as ordinal, %s as image, %s as compared from %I as r';
    v_nothing constant text := 'select null::bigint as ordinal, null::json as image, null::json as compared limit 0';
begin
    return format(
        $q$
        select
            json_agg(json_build_object('name', $1::text, 'payload', p.payload) order by p.ordinal) as events,
            bool_or(p.unpaired) as unpaired
        from (
            select
                c.ordinal, c.payload, c.unpaired,
                sum(octet_length(c.payload::text)) over (order by c.ordinal) / 33554432 as portion
            from (
                select
                    ordinal,
                    json_build_object(
                        'operation', $2::text, 'schema', $3::text, 'table', $4::text, 'new', n.image, 'old', o.image
                    ) as payload,
                    %3$L and (n.image is null) <> (o.image is null) as unpaired
                from (%1$s) as n
                full join (%2$s) as o using (ordinal)
                where not %3$L or n.compared::text is distinct from o.compared::text
            ) as c
            where c.unpaired or $5::jsonb is null or perdure._document_matches($5, perdure._to_jsonb(c.payload))
        ) as p
        group by (p.ordinal - 1) / 1000, p.portion
        order by (p.ordinal - 1) / 1000, p.portion
        $q$,
        case when p_has_new then format(v_side, v_image, v_compared, 'perdure_new') else v_nothing end,
        case when p_has_old then format(v_side, v_image, v_compared, 'perdure_old') else v_nothing end,
        v_is_update
    );
end;
$$;
comment on function perdure._changes_query(regclass, boolean, boolean, text[], text[]) is
'The query by which a trigger finds what a statement changed.';
