-- _deliver_due_events: deliver delayed events whose time has come.
-- Returns    how many events were delivered.
-- Locks      events, skip locked.
-- Called by  promote_due.
create or replace function perdure._deliver_due_events(p_limit integer)
returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_ids uuid[];
begin
    with delivered as (
        update perdure.events as e
        set delivered_at = v_now, due_at = null, updated_at = v_now
        where
            e.id = any(array(
                select d.id
                from perdure.events as d
                where d.due_at <= v_now
                order by d.due_at, d.id
                limit p_limit
                for update skip locked
            ))
        returning e.id
    )
    select coalesce(array_agg(d.id order by d.id), '{}') into v_ids from delivered as d;
    perform perdure._deliver_events(v_ids);
    return cardinality(v_ids);
end;
$$;
comment on function perdure._deliver_due_events(integer) is 'Deliver delayed events whose time has come.';
