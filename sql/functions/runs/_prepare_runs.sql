-- _prepare_runs: see to what new runs need before they start: the app is asked for the properties of those whose job
-- wants that, the others are released.
-- Arguments  p_run_ids  PENDING runs, just created.
-- Called by  _start_runs.
create or replace function perdure._prepare_runs(p_run_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_asked_ids uuid[];
begin
    with asked as (
        insert into perdure.deliveries as d (
            id, environment_id, kind, subject_id, endpoint_id, status, due_at, created_at
        )
        select perdure.new_id(), r.environment_id, 'PREPROCESS', r.id, r.endpoint_id, 'PENDING', v_now, v_now
        from perdure.runs as r
        inner join perdure.job_versions as v on v.id = r.job_version_id and v.preprocess_runs
        where r.id = any(p_run_ids)
        returning d.subject_id
    )
    select coalesce(array_agg(a.subject_id), '{}') into v_asked_ids from asked as a;
    if v_asked_ids <> '{}' then
        perform perdure._notify_dispatchers('deliveries');
    end if;
    perform perdure._release_runs(array(select r.id from unnest(p_run_ids) as r (id) where r.id <> all(v_asked_ids)));
end;
$$;
comment on function perdure._prepare_runs(uuid[]) is 'See to what new runs need before they start.';
