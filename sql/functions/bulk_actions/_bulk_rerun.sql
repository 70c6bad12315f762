-- _bulk_rerun: do all of the work of runs again, each as a new run.
-- Returns    {run: reason} of those for which there is no new run.
-- Called by  _apply_bulk_action.
create or replace function perdure._bulk_rerun(p_run_ids uuid[])
returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_run_ids constant uuid[] := array(
        select r.id
        from perdure.runs as r
        inner join perdure.environment_jobs as e on e.environment_id = r.environment_id and e.job_id = r.job_id
        inner join perdure.job_versions as v on v.id = e.latest_version_id and v.status = 'ACTIVE'
        where r.id = any(p_run_ids)
        order by r.id
    );
    v_event_ids uuid[];
    v_job_ids uuid[];
begin
    select array_agg(perdure._copy_event(r.event_id, null) order by i.ordinal), array_agg(r.job_id order by i.ordinal)
    into v_event_ids, v_job_ids
    from unnest(v_run_ids) with ordinality as i (id, ordinal)
    inner join perdure.runs as r on r.id = i.id;
    if v_event_ids is not null then
        perform perdure._start_runs(v_event_ids, v_job_ids);
    end if;
    return coalesce(
        (
            select jsonb_object_agg(i.id, 'Its job is disabled in this environment.')
            from unnest(p_run_ids) as i (id)
            where i.id <> all(v_run_ids)
        ),
        '{}'
    );
end;
$$;
comment on function perdure._bulk_rerun(uuid[]) is 'Do all of the work of runs again.';
