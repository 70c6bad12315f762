-- _expire_dispatchers: remove ephemeral subscriptions whose time is over.
-- Returns    how many were removed.
-- Locks      the subscriptions, skip locked.
-- Called by  promote_due.
create or replace function perdure._expire_dispatchers(p_limit integer)
returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_removed integer;
begin
    delete from perdure.event_dispatchers as d
    where d.id = any(array(
        select x.id
        from perdure.event_dispatchers as x
        where x.expires_at <= perdure.clock()
        order by x.expires_at, x.id
        limit p_limit
        for update skip locked
    ));
    get diagnostics v_removed = row_count;
    return v_removed;
end;
$$;
comment on function perdure._expire_dispatchers(integer) is 'Remove ephemeral subscriptions whose time is over.';
