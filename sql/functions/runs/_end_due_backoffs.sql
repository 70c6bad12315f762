-- _end_due_backoffs: release runs whose execution was to be repeated later.
-- Returns    runs to be queued by the caller.
-- Locks      runs, skip locked.
-- Called by  promote_due.
create or replace function perdure._end_due_backoffs(p_limit integer)
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_run_ids uuid[];
begin
    with released as (
        update perdure.runs as r
        set due_at = null, updated_at = v_now
        where
            r.id = any(array(
                select d.id
                from perdure.runs as d
                where d.due_at <= v_now
                order by d.due_at, d.id
                limit p_limit
                for update skip locked
            ))
        returning r.id
    )
    select coalesce(array_agg(r.id order by r.id), '{}') into v_run_ids from released as r;
    return v_run_ids;
end;
$$;
comment on function perdure._end_due_backoffs(integer) is 'Release runs whose backoff is over.';
