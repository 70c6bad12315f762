-- explain_event: which jobs an event matches, and why others do not: an event is held against the subscriptions as they
-- are today, which may have changed since it came. Those that listen to its name are looked at one by one, the others
-- are counted.
-- Returns    a row for each job and subscription to events of this name, and one row without a job for all the others
--            that events start, if there are any, with how many they are (jobs).
--            outcome: MATCHED; DISABLED: the job is switched off; OTHER_SOURCE: it wants another source; OTHER_ACCOUNT:
--            another end user; OTHER_REGISTRATION: what another registration of a dynamic trigger brings; FILTERED: a
--            filter does not pass; OTHER_NAME.
--            registration: the dynamic trigger's id and the registration's key; null: the job's own trigger.
--            mismatch: with OTHER_SOURCE {wanted, found}; with FILTERED {filter: payload or context, path, operator,
--            wanted, found?}: the first condition that does not hold.
--            run_id: the run that the event did start of this job, whatever is so today; null: none.
-- Errors     JQ001 not_found.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.explain_event(p_environment_id uuid, p_event_id text)
returns table (job text, registration text, outcome text, mismatch jsonb, run_id uuid, jobs integer)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_event constant perdure.events := perdure._find_event(p_environment_id, p_event_id);
begin
    return query
    with listening as (
        select
            d as dispatcher,
            t.job_id,
            case when d.job_id is null then concat_ws(' / ', g.slug, r.key) end as registration
        from perdure.event_dispatchers as d
        left join perdure.dynamic_triggers as g on g.id = d.dynamic_trigger_id
        left join perdure.dynamic_trigger_registrations as r on r.event_dispatcher_id = d.id
        cross join lateral (
            select d.job_id where d.job_id is not null
            union all
            select x.job_id from perdure.dynamic_trigger_jobs as x where x.dynamic_trigger_id = d.dynamic_trigger_id
        ) as t (job_id)
        where d.environment_id = p_environment_id and d.url is null
    ),
    named as (
        select
            k.slug as job,
            l.registration,
            l.dispatcher,
            v.status = 'ACTIVE' and (l.dispatcher).enabled as enabled,
            (
                select x.id
                from perdure.runs as x
                where x.event_id = v_event.id and x.job_id = l.job_id
                order by x.id
                limit 1
            ) as run_id
        from listening as l
        inner join perdure.jobs as k on k.id = l.job_id
        inner join perdure.environment_jobs as j on j.environment_id = p_environment_id and j.job_id = l.job_id
        inner join perdure.job_versions as v on v.id = j.latest_version_id
        where v_event.name = any((l.dispatcher).event_names)
    ),
    judged as (
        select
            n.*,
            case
                when not n.enabled then 'DISABLED'
                when (n.dispatcher).source <> v_event.source then 'OTHER_SOURCE'
                when (n.dispatcher).external_account_id is not null
                    and (n.dispatcher).external_account_id is distinct from v_event.external_account_id
                    then 'OTHER_ACCOUNT'
                when (n.dispatcher).dynamic_source_key <> v_event.dynamic_source_key then 'OTHER_REGISTRATION'
                else 'PASSED'
            end as outcome
        from named as n
    ),
    explained as (
        select
            u.*,
            case u.outcome
                when 'PASSED' then perdure._event_mismatch(v_event, u.dispatcher)
                when 'OTHER_SOURCE'
                    then jsonb_build_object('wanted', (u.dispatcher).source, 'found', v_event.source)
                else null
            end as mismatch
        from judged as u
    )
    select
        p.job,
        p.registration,
        case
            when p.outcome = 'PASSED' and p.mismatch is null then 'MATCHED'
            when p.outcome = 'PASSED' then 'FILTERED'
            else p.outcome
        end,
        p.mismatch,
        p.run_id,
        1
    from explained as p
    union all
    select null, null, 'OTHER_NAME', null, null, c.jobs
    from (
        select count(distinct l.job_id)::integer as jobs
        from listening as l
        where v_event.name <> all((l.dispatcher).event_names)
    ) as c
    where c.jobs > 0
    order by 1 nulls last, 2 nulls first;
end;
$$;
comment on function perdure.explain_event(uuid, text) is 'Which jobs an event matches, and why others do not.';
