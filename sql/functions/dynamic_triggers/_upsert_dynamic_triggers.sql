-- _upsert_dynamic_triggers: store an endpoint's dynamic triggers and schedules, and the jobs that they start: those
-- that they name, and those that name them. One that the endpoint no longer names has no jobs; what is attached to it
-- stays, for the day when it comes back.
-- Arguments  p_endpoint  locked by the caller; p_triggers  DynamicTriggerMetadata[]; p_schedules  {id, jobs}[];
--            p_jobs  JobMetadata[], which are stored; all are checked.
-- Called by  index_endpoint.
create or replace function perdure._upsert_dynamic_triggers(
    p_endpoint perdure.endpoints, p_triggers jsonb, p_schedules jsonb, p_jobs jsonb
)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
begin
    insert into perdure.dynamic_triggers as t (id, environment_id, endpoint_id, slug, kind, created_at, updated_at)
    select perdure.new_id(), p_endpoint.environment_id, p_endpoint.id, d.slug, d.kind, v_now, v_now
    from (
        select e.value ->> 'id' as slug, 'EVENT' as kind from jsonb_array_elements(p_triggers) as e
        union all
        select e.value ->> 'id', 'SCHEDULE' from jsonb_array_elements(p_schedules) as e
    ) as d
    order by d.slug
    on conflict (environment_id, slug) do update
    set endpoint_id = excluded.endpoint_id, kind = excluded.kind, updated_at = v_now;

    with named as (
        select d.value ->> 'id' as slug, j.value ->> 'id' as job
        from jsonb_array_elements(p_triggers || p_schedules) as d
        cross join lateral jsonb_array_elements(coalesce(nullif(d.value -> 'jobs', 'null'), '[]')) as j
        union
        select j.value -> 'trigger' ->> 'id', j.value ->> 'id'
        from jsonb_array_elements(p_jobs) as j
        where j.value -> 'trigger' ->> 'type' = 'dynamic'
    ),
    wanted as (
        select t.id as dynamic_trigger_id, k.id as job_id
        from named as n
        inner join perdure.dynamic_triggers as t on t.endpoint_id = p_endpoint.id and t.slug = n.slug
        inner join perdure.environments as e on e.id = t.environment_id
        inner join perdure.jobs as k on k.project_id = e.project_id and k.slug = n.job
    ),
    gone as (
        delete from perdure.dynamic_trigger_jobs as x
        using perdure.dynamic_triggers as t
        where
            t.endpoint_id = p_endpoint.id and x.dynamic_trigger_id = t.id
            and not exists (
                select 1 from wanted as w where w.dynamic_trigger_id = x.dynamic_trigger_id and w.job_id = x.job_id
            )
    )
    insert into perdure.dynamic_trigger_jobs (dynamic_trigger_id, job_id)
    select w.dynamic_trigger_id, w.job_id
    from wanted as w
    on conflict do nothing;
end;
$$;
comment on function perdure._upsert_dynamic_triggers(perdure.endpoints, jsonb, jsonb, jsonb)
is 'Store an endpoint''s dynamic triggers.';
