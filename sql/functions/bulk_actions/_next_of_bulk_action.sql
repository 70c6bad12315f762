-- _next_of_bulk_action: the runs of a bulk action's next step.
-- Returns    one row: the runs, at most 200; searched_to: where the step after it begins, null: there is none.
-- Called by  _advance_bulk_action.
create or replace function perdure._next_of_bulk_action(p_action perdure.bulk_actions)
returns table (run_ids uuid[], searched_to uuid)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if p_action.filter is not null then
        return query
        select s.run_ids, s.searched_to
        from perdure._search_runs(
            perdure._read_run_filter(p_action.environment_id, p_action.filter), p_action.searched_to, 200, 5000
        ) as s;
        return;
    end if;
    run_ids := array(
        select distinct i.id
        from unnest(p_action.run_ids) as i (id)
        where i.id < p_action.searched_to
        order by i.id desc
        limit 200
    );
    searched_to := run_ids[200];
    return next;
end;
$$;
comment on function perdure._next_of_bulk_action(perdure.bulk_actions) is 'The runs of a bulk action''s next step.';
