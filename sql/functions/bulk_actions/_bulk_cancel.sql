-- _bulk_cancel: cancel runs.
-- Returns    {run: reason} of those that are left as they were.
-- Locks      as _cancel_runs.
-- Called by  _apply_bulk_action.
create or replace function perdure._bulk_cancel(p_run_ids uuid[])
returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_cancelled_ids constant uuid[] := perdure._cancel_runs(p_run_ids);
begin
    return coalesce(
        (
            select jsonb_object_agg(r.id, format('It had already ended: %s.', r.status))
            from perdure.runs as r
            where r.id = any(p_run_ids) and r.id <> all(v_cancelled_ids)
        ),
        '{}'
    );
end;
$$;
comment on function perdure._bulk_cancel(uuid[]) is 'Cancel runs.';
