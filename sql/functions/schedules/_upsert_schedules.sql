-- _upsert_schedules: store the schedules of an endpoint's jobs: that of each job whose newest version has one. Those of
-- jobs that are disabled, or are started by something else now, are switched off.
-- Arguments  p_endpoint  locked by the caller, its jobs stored.
-- Locks      as _store_schedule, in the order of jobs.
-- Called by  index_endpoint.
create or replace function perdure._upsert_schedules(p_endpoint perdure.endpoints)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    perform perdure._store_schedule(j.environment_id, j.job_id, null, j.slug, j.schedule)
    from (
        select l.environment_id, l.job_id, k.slug, v.trigger -> 'schedule' as schedule
        from perdure.environment_jobs as l
        inner join perdure.job_versions as v on v.id = l.latest_version_id
        inner join perdure.jobs as k on k.id = l.job_id
        where v.endpoint_id = p_endpoint.id and v.status = 'ACTIVE' and v.trigger ->> 'type' = 'scheduled'
        order by l.job_id
    ) as j;

    -- After them: who switches the schedules of an environment on or off locks it first.
    update perdure.schedules as s
    set active = false, due_at = null, problem = null, updated_at = perdure.clock()
    from perdure.environment_jobs as l
    inner join perdure.job_versions as v on v.id = l.latest_version_id
    where
        v.endpoint_id = p_endpoint.id and (v.status = 'DISABLED' or v.trigger ->> 'type' <> 'scheduled')
        and s.environment_id = l.environment_id and s.job_id = l.job_id
        and (s.active or s.problem is not null);
end;
$$;
comment on function perdure._upsert_schedules(perdure.endpoints) is 'Store the schedules of an endpoint''s jobs.';
