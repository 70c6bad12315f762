-- _run_filter: make a filter of what people say.
-- Arguments  null: no matter. p_job, p_version  slug and version; what does not exist has no runs; p_from, p_to  when
--            the run was created, p_to excluded; p_tags  all of these; p_text  the id of a run or of an event, else a
--            part of the event's payload, in capitals or not; p_fingerprint  of how it failed (run_failures).
-- Called by  list_runs, _read_run_filter.
create or replace function perdure._run_filter(
    p_environment_id uuid, p_statuses text[] default null, p_job text default null, p_version text default null,
    p_from timestamptz default null, p_to timestamptz default null, p_tags text[] default null,
    p_text text default null, p_is_test boolean default null, p_fingerprint uuid default null
)
returns perdure.run_filter
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_run_ids uuid[];
    v_patterns text[];
    v_filter perdure.run_filter;
begin
    if p_text <> '' then
        v_run_ids := array(
            select r.id
            from perdure.runs as r
            where r.id = perdure._to_uuid(p_text) and r.environment_id = p_environment_id
            union
            select r.id
            from perdure.events as e
            inner join perdure.runs as r on r.event_id = e.id
            where e.environment_id = p_environment_id and e.event_id = p_text
        );
        if v_run_ids = '{}' then
            v_run_ids := null;
            v_patterns := perdure._payload_patterns(p_text);
        end if;
    end if;
    select
        p_environment_id,
        array(
            select j.id
            from perdure.environments as e
            inner join perdure.jobs as j on j.project_id = e.project_id and j.internal
            where e.id = p_environment_id
        ),
        v_run_ids,
        coalesce(perdure._first_id(p_from), '00000000-0000-0000-0000-000000000000'::uuid),
        coalesce(perdure._first_id(p_to), 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid),
        nullif(p_statuses, '{}'),
        case when p_job is not null then coalesce(
            (
                select j.id
                from perdure.environments as e
                inner join perdure.jobs as j on j.project_id = e.project_id and j.slug = p_job
                where e.id = p_environment_id
            ),
            '00000000-0000-0000-0000-000000000000'::uuid
        ) end,
        case when p_version is not null then array(
            select v.id
            from perdure.job_versions as v
            where v.environment_id = p_environment_id and v.version = p_version
        ) end,
        p_fingerprint,
        case when p_tags <> '{}' then array(
            select w.tag
            from unnest(p_tags) as w (tag)
            cross join lateral (
                select count(*) as runs
                from (
                    select 1
                    from perdure.run_tags as t
                    where t.environment_id = p_environment_id and t.tag = w.tag
                    limit 1000
                ) as x
            ) as n
            order by n.runs, w.tag  -- the rarest first: it is looked for
        ) end,
        p_is_test,
        v_patterns
    into v_filter;
    return v_filter;
end;
$$;
comment on function perdure._run_filter(
    uuid, text[], text, text, timestamptz, timestamptz, text[], text, boolean, uuid
) is 'Make a filter of what people say.';
