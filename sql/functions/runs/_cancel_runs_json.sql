-- _cancel_runs_json: cancel runs; which were cancelled, and which had ended before or meanwhile, as the API says it.
-- Returns    {cancelledRunIds, failedToCancelRunIds}.
-- Called by  cancel_event_runs, cancel_job_runs.
create or replace function perdure._cancel_runs_json(p_run_ids uuid[])
returns json
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_cancelled_ids constant uuid[] := perdure._cancel_runs(p_run_ids);
begin
    return json_build_object(
        'cancelledRunIds', to_json(v_cancelled_ids),
        'failedToCancelRunIds', to_json(array(
            select r.id from unnest(p_run_ids) as r (id) where r.id <> all(v_cancelled_ids) order by r.id
        ))
    );
end;
$$;
comment on function perdure._cancel_runs_json(uuid[]) is 'Cancel runs; say which were cancelled.';
